#include "model/retry_policy.h"

#include <algorithm>
#include <cmath>

namespace ffrtmp::model {
namespace {

// How often a kind of failure may be retried, whatever the job allows.
int retries_worth(FailureReason reason, bool own_timeout) {
  switch (reason) {
    case FailureReason::kUserError:
    case FailureReason::kInputError:
    case FailureReason::kCapabilityMismatch:
      return 0;
    case FailureReason::kTimeout:
      return own_timeout ? 0 : kMaxAttempts;
    case FailureReason::kOutputError:
      return 1;  // once, on another node: the same damage twice is no accident
    default:
      return kMaxAttempts;
  }
}

}  // namespace

std::chrono::milliseconds backoff(int retry, double jitter) {
  const double seconds = std::min(5.0 * std::exp2(std::clamp(retry, 1, 16) - 1), 300.0);
  return std::chrono::milliseconds(std::llround(seconds * (1.0 + 0.2 * std::clamp(jitter, -1.0, 1.0)) * 1000));
}

RetryPlan decide_retry(FailureReason reason, bool own_timeout, int retry_count, int max_retries, double jitter) {
  const int allowed = std::min({max_retries, retries_worth(reason, own_timeout), kMaxAttempts - 1});
  if (retry_count >= allowed) return {};
  return {true, backoff(retry_count + 1, jitter)};
}

}  // namespace ffrtmp::model
