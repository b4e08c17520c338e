#pragma once
// Whether discovery and attaching work, by counts of failures in a row and the age of the last good scan. Pure.
#include <boost/describe.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "govern/policy.h"

namespace ffrtmp::govern {

enum class HealthState : std::uint8_t { kHealthy, kDegraded, kUnhealthy };
BOOST_DESCRIBE_ENUM(HealthState, kHealthy, kDegraded, kUnhealthy)
[[nodiscard]] std::string_view name_of(HealthState state);

struct HealthFacts {
  int scan_failures = 0;      // in a row
  int attach_failures = 0;    // in a row
  BootTime last_good_scan{};  // the start of the daemon, before the first
};

// unhealthy  scan_failures >= max_scan_failures, or no good scan for max_scan_age
// degraded   scan_failures >= half of max_scan_failures, or attach_failures >= max_attach_failures
[[nodiscard]] HealthState decide_health(const HealthFacts& facts, const HealthSettings& settings, BootTime now);

}  // namespace ffrtmp::govern
