#pragma once
// When a failed attach is tried again, and when it is given up. Pure.
#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "govern/error_class.h"
#include "govern/policy.h"

namespace ffrtmp::govern {

// One try that failed.
struct FailedTry {
  UtcTime time{};
  std::string op;  // "attach", "claim"
  int err = 0;     // errno
  ErrorClass error_class = ErrorClass::kUnknown;
  double delay_seconds = 0;  // until the next one; 0: none
  std::string error;
  bool operator==(const FailedTry&) const = default;
};
BOOST_DESCRIBE_STRUCT(FailedTry, (), (time, op, err, error_class, delay_seconds, error))

// An attach that is tried no more.
struct DeadLetter {
  std::int64_t pid = 0;
  std::int64_t start_ticks = 0;
  std::string job_id;
  std::string command;
  UtcTime time{};
  std::string reason;  // "exhausted", "permanent", "retry_disabled"
  std::vector<FailedTry> tries;
  bool operator==(const DeadLetter&) const = default;
};
BOOST_DESCRIBE_STRUCT(DeadLetter, (), (pid, start_ticks, job_id, command, time, reason, tries))

constexpr std::size_t kMaxDeadLetters = 1000;

struct RetryDecision {
  std::optional<nanoseconds> delay;  // absent: a dead letter
  std::string reason;                // of a dead letter
};
// After `failed_tries` tries (1: the first one) of which the last was of that class. `jitter` is drawn from [0.9, 1.1].
[[nodiscard]] RetryDecision decide_retry(const RetrySettings& settings, int failed_tries, ErrorClass last,
                                         double jitter);

}  // namespace ffrtmp::govern
