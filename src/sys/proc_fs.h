#pragma once
// Processes as /proc shows them. Facts only; a vanished process is kGone, an ordinary answer.
// Source: https://docs.kernel.org/filesystems/proc.html
#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/host.h"

namespace ffrtmp::sys {

// Identity of a process within one boot: a bare pid may be another process by the time it is used.
struct ProcessKey {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;  // since boot, in clock ticks
  auto operator<=>(const ProcessKey&) const = default;
};

// Of the states of /proc/PID/stat, R S D T t Z X I and x: a zombie has ended, too.
[[nodiscard]] constexpr bool is_ended(char state) { return state == 'Z' || state == 'X' || state == 'x'; }
// By SIGSTOP, or by a debugger.
[[nodiscard]] constexpr bool is_stopped(char state) { return state == 'T' || state == 't'; }

// /proc/PID/stat. Times in clock ticks of sysconf(_SC_CLK_TCK).
struct ProcStat {
  pid_t pid = 0;
  std::string comm;  // may hold spaces and parentheses
  char state = '?';
  pid_t ppid = 0;
  pid_t pgrp = 0;
  pid_t session = 0;
  std::uint64_t utime = 0;
  std::uint64_t stime = 0;
  std::uint64_t cutime = 0;  // of children waited for
  std::uint64_t cstime = 0;
  std::uint64_t start_ticks = 0;
  std::int64_t rss_pages = 0;

  [[nodiscard]] ProcessKey key() const { return {pid, start_ticks}; }
  [[nodiscard]] bool has_ended() const { return is_ended(state); }
};

// Pure. The name is what stands between the first '(' and the last ')'. kCorrupt otherwise.
[[nodiscard]] Result<ProcStat> parse_stat(std::string_view text);
[[nodiscard]] Result<ProcStat> read_stat(const Host& host, pid_t pid);
// Of the calling process, with its pid as `host.proc` numbers it, which is not getpid() inside a PID namespace.
[[nodiscard]] Result<ProcStat> read_own_stat(const Host& host);

// All processes; those that vanish meanwhile are left out.
[[nodiscard]] Result<std::vector<ProcStat>> read_all_stats(const Host& host);
// The tree below `root`, without it. Pure.
[[nodiscard]] std::vector<ProcStat> descendants_of(pid_t root, const std::vector<ProcStat>& all);
[[nodiscard]] Result<std::vector<ProcStat>> read_descendants(const Host& host, pid_t root);

// Path in the unified hierarchy ("0::/path" of /proc/PID/cgroup), "/" for the root. kUnsupported without cgroup v2.
[[nodiscard]] Result<std::string> parse_unified_cgroup(std::string_view text);
[[nodiscard]] Result<std::string> read_unified_cgroup(const Host& host, pid_t pid);
[[nodiscard]] Result<std::string> read_own_unified_cgroup(const Host& host);

// Random UUID of this boot: without it a persisted ProcessKey means nothing.
[[nodiscard]] Result<std::string> read_boot_id(const Host& host);
// Of the running kernel, as `uname -r`.
[[nodiscard]] Result<std::string> read_kernel_release(const Host& host);

// The value of `name` in the environment the process was started with; kGone when it has none. May wait for the
// process's memory map: not for sampling.
[[nodiscard]] Result<std::string> read_environment_value(const Host& host, pid_t pid, std::string_view name);
// A census: all processes that were started with NAME=anything in their environment, zombies left out.
struct MarkedProcess {
  ProcessKey key;
  std::string value;
};
[[nodiscard]] Result<std::vector<MarkedProcess>> find_marked(const Host& host, std::string_view name);

}  // namespace ffrtmp::sys
