#pragma once
// How a process stands with the scheduler and the OOM killer: nice, which belongs to each thread, and oom_score_adj.
// Source: setpriority(2), https://docs.kernel.org/filesystems/proc.html#chapter-3
#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "sys/host.h"

namespace ffrtmp::sys {

// TIDs of the process's threads, its own pid among them.
[[nodiscard]] Result<std::vector<pid_t>> read_threads(const Host& host, pid_t pid);
[[nodiscard]] Result<int> read_nice(pid_t tid);
[[nodiscard]] Status write_nice(pid_t tid, int nice);
[[nodiscard]] Result<int> read_oom_score_adj(const Host& host, pid_t pid);
// Below the lowest value ever set it needs CAP_SYS_RESOURCE.
[[nodiscard]] Status write_oom_score_adj(const Host& host, pid_t pid, int value);
// Pages in RAM, of /proc/PID/statm, which does not wait for the process's memory map.
[[nodiscard]] Result<std::int64_t> read_resident_bytes(const Host& host, pid_t pid);

}  // namespace ffrtmp::sys
