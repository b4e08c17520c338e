#pragma once
// Whether a job that has ended met what the platform promises. Pure.
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "model/job.h"

namespace ffrtmp::model {

// Jobs whose verdict counts for the rate: not tests and trials, nor what is too short or too little urgent to tell.
[[nodiscard]] bool is_sla_worthy(const JobSpec& spec, const Parameters& effective);
// "production", "test", … as classified, else "batch" or "other".
[[nodiscard]] std::string_view sla_category(const JobSpec& spec);

// All there is to judge by. Times are the master's, in total over all attempts.
struct SlaFacts {
  JobState end = JobState::kCompleted;  // an ended state
  std::optional<FailureReason> failure_reason;
  std::optional<TimeoutCause> timeout_cause;  // with kTimeout
  std::chrono::microseconds queued{0};
  std::chrono::microseconds start_delay{0};  // longest from assigned to running
  std::chrono::microseconds processing{0};   // running, pauses excluded
  std::optional<double> media_seconds;       // the duration that was asked for
};

struct SlaJudgement {
  SlaVerdict verdict = SlaVerdict::kCompliant;
  std::string reason;  // "queue_time_exceeded"; empty for a job that ended as it should
};
// The first row that applies, top to bottom:
//   queued > 30 s                                        violation     queue_time_exceeded
//   assigned to running > 60 s                           violation     start_delay_exceeded
//   platform_error, resource_error, output_error         violation     platform_failure, resource_management_failure,
//                                                                      output_invalid
//   timeout, not the job's own                           violation     platform_timeout_exceeded
//   processing > max(600 s, twice the duration)          violation     processing_time_exceeded
//   runtime_error, network_error, unknown                undetermined  cause_unknown
//   user_error, input_error, mismatch, its own timeout   compliant     external_failure_platform_ok
//   completed, canceled                                  compliant
[[nodiscard]] SlaJudgement judge_sla(const SlaFacts& facts);

}  // namespace ffrtmp::model
