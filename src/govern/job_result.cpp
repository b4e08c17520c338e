#include "govern/job_result.h"

#include "base/text.h"
#include "json/json.h"

namespace ffrtmp::govern {

bool is_compliant(SlaReason reason) { return reason < SlaReason::kStartFailed; }

SlaReason decide_sla(const JobEnd& end) {
  if (!end.started) return SlaReason::kStartFailed;
  if (!end.attached) return SlaReason::kAttachFailed;
  if (end.killed_by_wrapper) return SlaReason::kKilledByWrapper;
  if (end.oom_kills > 0) return SlaReason::kOomKilledByLimit;
  if (end.governance != Governance::kFull) return SlaReason::kLimitNotApplied;
  if (end.detached) return SlaReason::kDetachedWorkloadContinues;
  if (!end.is_ours) return SlaReason::kObservedToCompletion;
  return end.exit_code == 0 ? SlaReason::kCompletedSuccessfully : SlaReason::kWorkloadFailedPlatformOk;
}

std::string format_job_line(const JobResult& result) {
  const std::string exit = result.exit_code.text == "null" ? "unknown" : result.exit_code.text;
  return cat("JOB ", escape(result.job_id), " | ", result.intent.empty() ? "" : cat("intent=", result.intent, " | "),
             "sla=", result.platform_sla_compliant ? "COMPLIANT" : "VIOLATION",
             " | reason=", json::enum_name(result.platform_sla_reason),
             " | runtime=", static_cast<std::int64_t>(result.processing_seconds), "s | exit=", exit,
             " | pid=", result.pid);
}

}  // namespace ffrtmp::govern
