// libFuzzer's entry for one target, named by the build.
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ffrtmp::fuzz::FFRTMP_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
