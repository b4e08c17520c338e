#pragma once
// Identities. A Uuid names jobs, attempts, nodes, claims and results; version 7, so that new ones sort after old ones
// and land at the end of an index. Source: RFC 9562 section 5.7.
#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace ffrtmp {

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;
  [[nodiscard]] bool is_nil() const { return *this == Uuid{}; }
  // Lower-case canonical text, 36 characters.
  [[nodiscard]] std::string str() const;
};

// The canonical 36-character form in either case, nothing else; kInvalid otherwise.
[[nodiscard]] Result<Uuid> parse_uuid(std::string_view text);

// Fills with random bytes from the kernel. Any thread.
void fill_random(void* data, std::size_t size);

// Where new identities come from; handed in so that a simulation repeats itself.
class IdSource {
 public:
  virtual ~IdSource() = default;
  [[nodiscard]] virtual Uuid next(UtcTime now) = 0;
};

// Version 7 from the kernel's random numbers. Any thread.
class RandomIds final : public IdSource {
 public:
  [[nodiscard]] Uuid next(UtcTime now) override;
};

// Lays `time` and 74 bits of `random` out as a version 7 UUID.
[[nodiscard]] Uuid make_uuid7(UtcTime time, const std::array<std::uint8_t, 10>& random);

}  // namespace ffrtmp

template <>
struct std::hash<ffrtmp::Uuid> {
  std::size_t operator()(const ffrtmp::Uuid& id) const noexcept {
    std::uint64_t tail = 0;  // the random half: evenly spread already
    std::memcpy(&tail, id.bytes.data() + 8, sizeof tail);
    return static_cast<std::size_t>(tail);
  }
};
