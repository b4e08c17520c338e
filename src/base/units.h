#pragma once
// Quantities with their unit in the type.
#include <compare>
#include <cstdint>

namespace ffrtmp {

// A size or an offset in bytes.
struct Bytes {
  std::int64_t count = 0;
  auto operator<=>(const Bytes&) const = default;
  friend Bytes operator+(Bytes a, Bytes b) { return {a.count + b.count}; }
  friend Bytes operator-(Bytes a, Bytes b) { return {a.count - b.count}; }
};
constexpr Bytes kib(std::int64_t n) { return {n * 1024}; }
constexpr Bytes mib(std::int64_t n) { return {n * 1024 * 1024}; }

}  // namespace ffrtmp
