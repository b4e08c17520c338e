#include "govern/health.h"

namespace ffrtmp::govern {

std::string_view name_of(HealthState state) {
  switch (state) {
    case HealthState::kHealthy:
      return "healthy";
    case HealthState::kDegraded:
      return "degraded";
    case HealthState::kUnhealthy:
      return "unhealthy";
  }
  return "";
}

HealthState decide_health(const HealthFacts& facts, const HealthSettings& settings, BootTime now) {
  if (facts.scan_failures >= settings.max_scan_failures || now - facts.last_good_scan > settings.max_scan_age)
    return HealthState::kUnhealthy;
  if (facts.scan_failures >= (settings.max_scan_failures + 1) / 2 ||
      facts.attach_failures >= settings.max_attach_failures)
    return HealthState::kDegraded;
  return HealthState::kHealthy;
}

}  // namespace ffrtmp::govern
