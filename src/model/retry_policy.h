#pragma once
// When a failed attempt is tried again. Pure.
#include <chrono>
#include <optional>

#include "model/job.h"

namespace ffrtmp::model {

struct RetryPlan {
  bool again = false;
  std::chrono::milliseconds delay{0};
};

// Attempts a job may ever have between two manual retries, whatever ended them.
inline constexpr int kMaxAttempts = 11;

// Retry n (1, 2, …) waits min(5 * 2^(n-1), 300) s, spread by ±20 %; `jitter` in [-1, 1] is handed in.
[[nodiscard]] std::chrono::milliseconds backoff(int retry, double jitter);
// `own_timeout`: the job set timeout_sec itself and that is what passed.
[[nodiscard]] RetryPlan decide_retry(FailureReason reason, bool own_timeout, int retry_count, int max_retries, double jitter);

}  // namespace ffrtmp::model
