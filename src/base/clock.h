#pragma once
// Time, handed in. UtcTime is what people and records see; BootTime (CLOCK_BOOTTIME, counts suspend) is what leases,
// deadlines and fences are computed with, so that a step of the wall clock moves none of them.
#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ffrtmp {

using UtcTime = std::chrono::sys_time<std::chrono::microseconds>;

// Tag clock of CLOCK_BOOTTIME; comparable between processes of one boot.
struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock, duration>;
  static constexpr bool is_steady = true;
  [[nodiscard]] static time_point now();
};
using BootTime = BootClock::time_point;

// One reading of both clocks: what a decision gets as "now".
struct Now {
  UtcTime utc;
  BootTime boot;
};

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Now now() const = 0;
};

// The kernel's clocks. Any thread.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] Now now() const override;
};

// RFC 3339 in UTC with microseconds, as "2026-01-07T10:20:30.123456Z".
[[nodiscard]] std::string format_utc(UtcTime time);
// Parses RFC 3339; an offset is applied, up to 9 fraction digits are read. kInvalid otherwise.
[[nodiscard]] Result<UtcTime> parse_utc(std::string_view text);

}  // namespace ffrtmp
