#pragma once
// Whether the platform kept its promise to a job: it is the platform that is judged, not the job. Contract fleet.md 7.
#include <optional>
#include <string>

#include "model/job.h"
#include "model/outcome.h"

namespace ffrtmp::model {

// What is not known is absent and speaks for nobody.
struct SlaFacts {
  std::optional<double> queued_seconds;       // in total, over all attempts
  std::optional<double> start_delay_seconds;  // from assigned to running
  ResultStatus end = ResultStatus::kCompleted;
  std::optional<FailureReason> failure;
  std::optional<TimeoutCause> timeout_cause;
  std::optional<double> processing_seconds;  // of the attempt that ended the job
  std::optional<double> media_seconds;       // of its output
};

struct SlaJudgement {
  SlaVerdict verdict = SlaVerdict::kCompliant;
  std::string reason;  // "queue_time_exceeded", "completed_successfully", …
  bool operator==(const SlaJudgement&) const = default;
};
[[nodiscard]] SlaJudgement judge_sla(const SlaFacts& facts);

// Whether the job counts in the rate; tests, short clips and the lowest class do not. `media_seconds` absent: unknown.
[[nodiscard]] bool counts_for_sla(const JobSpec& spec, std::optional<double> media_seconds);
// "production", …, else "batch" or "other".
[[nodiscard]] std::string sla_category(const JobSpec& spec);

}  // namespace ffrtmp::model
