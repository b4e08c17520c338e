#pragma once
// What is said of a governed job when it is over: by run, attach and watch, on stdout, in the log and over the socket.
#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "govern/limits.h"
#include "json/text.h"

namespace ffrtmp::govern {

// Why the platform kept its promise, or did not. The workload's own failure is not the platform's.
enum class SlaReason : std::uint8_t {
  kCompletedSuccessfully,
  kWorkloadFailedPlatformOk,
  kObservedToCompletion,  // attached: its exit code is its parent's to know
  kDetachedWorkloadContinues,
  kStartFailed,  // from here on: violations
  kAttachFailed,
  kLimitNotApplied,
  kOomKilledByLimit,
  kKilledByWrapper
};
BOOST_DESCRIBE_ENUM(SlaReason, kCompletedSuccessfully, kWorkloadFailedPlatformOk, kObservedToCompletion,
                    kDetachedWorkloadContinues, kStartFailed, kAttachFailed, kLimitNotApplied, kOomKilledByLimit,
                    kKilledByWrapper)
[[nodiscard]] bool is_compliant(SlaReason reason);

struct JobEnd {
  bool started = true;
  bool attached = true;  // the attach itself did not fail
  bool detached = false;
  bool is_ours = true;  // we are its parent: exit_code or signal is known
  bool killed_by_wrapper = false;
  std::optional<int> exit_code;
  std::optional<int> signal;
  std::int64_t oom_kills = 0;
  Governance governance = Governance::kFull;
};
// Pure. The gravest of what applies.
[[nodiscard]] SlaReason decide_sla(const JobEnd& end);

// The document. exit_code and signal are null when there is none, and always there.
struct JobResult {
  std::string job_id;
  std::int64_t pid = 0;  // 0: it never ran
  std::string mode;      // "run", "attach", "watch"
  UtcTime start_time;
  UtcTime end_time;
  double processing_seconds = 0;
  json::RawJson exit_code{"null"};
  json::RawJson signal{"null"};
  Governance governance = Governance::kObserve;
  std::string reason;  // why governance is not full
  std::string cgroup;  // directory; "" without a group
  std::vector<LimitReport> limits;
  std::int64_t uncovered_bytes = 0;
  bool platform_sla_compliant = false;
  SlaReason platform_sla_reason = SlaReason::kStartFailed;
  bool sla_eligible = false;
  std::string intent;
};
BOOST_DESCRIBE_STRUCT(JobResult, (),
                      (job_id, pid, mode, start_time, end_time, processing_seconds, exit_code, signal, governance,
                       reason, cgroup, limits, uncovered_bytes, platform_sla_compliant, platform_sla_reason,
                       sla_eligible, intent))

// "JOB J | intent=I | sla=COMPLIANT | reason=R | runtime=12s | exit=0 | pid=7"; exit=unknown without a code.
[[nodiscard]] std::string format_job_line(const JobResult& result);

}  // namespace ffrtmp::govern
