#include "govern/retry.h"

#include <algorithm>
#include <cmath>

namespace ffrtmp::govern {

RetryDecision decide_retry(const RetrySettings& settings, int failed_tries, ErrorClass last, double jitter) {
  if (!settings.enabled) return {std::nullopt, "retry_disabled"};
  if (!is_retryable(last)) return {std::nullopt, "permanent"};
  if (failed_tries > settings.max_attempts) return {std::nullopt, "exhausted"};
  const auto initial = static_cast<double>(settings.initial_backoff.count());
  const auto longest = static_cast<double>(settings.max_backoff.count());
  // Clamped before it becomes an integer: the 34th doubling of 1 s does not fit one.
  const double wait = std::min(longest, initial * std::pow(settings.multiplier, failed_tries - 1)) * jitter;
  return {nanoseconds(static_cast<std::int64_t>(std::min(wait, 9.0e18))), ""};
}

}  // namespace ffrtmp::govern
