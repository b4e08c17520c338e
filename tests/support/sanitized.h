#pragma once
namespace ffrtmp::test {

// Whether this build is instrumented: it holds several times the memory, and is several times as slow.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

}  // namespace ffrtmp::test
