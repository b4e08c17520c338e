#pragma once
// nice of every thread and oom_score_adj of a process: set, told, and put back. Effects.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "govern/limits.h"
#include "sys/host.h"
#include "sys/proc_fs.h"

namespace ffrtmp::govern {

struct PriorityChange {
  std::optional<LimitReport> nice;  // absent: not asked for
  std::optional<LimitReport> oom_score_adj;
  std::map<std::string, int> nice_before;  // TID -> nice, of threads that were changed
  std::optional<int> oom_score_adj_before;
};
// Sets what `limits` asks for on every thread, those started meanwhile included. Nothing is written where it is so
// already. kGone when the process ended. Fault op: nice.
[[nodiscard]] Result<PriorityChange> apply_priorities(const sys::Host& host, pid_t pid, const Limits& limits);

// The reports as of now, nothing written.
[[nodiscard]] Result<PriorityChange> read_priorities(const sys::Host& host, pid_t pid, const Limits& limits);

// Puts back what was changed. Threads that are not in `before` started since: they have `applied` and get `for_others`.
// A thread with a value that is not `applied` was changed by somebody else, and is left alone.
[[nodiscard]] Status restore_nice(const sys::Host& host, pid_t pid, const std::map<std::string, int>& before,
                                  int for_others, int applied);

}  // namespace ffrtmp::govern
