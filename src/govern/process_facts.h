#pragma once
// One process as governance looks at it: who it is, what it runs, for whom and where. Facts only; what cannot be read
// is absent, never guessed. Identity is pid + start ticks within a boot, because a pid alone is reused. Source:
// proc(5), https://docs.kernel.org/filesystems/proc.html
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "sys/cgroup_layout.h"
#include "sys/proc_scan.h"

namespace ffrtmp::govern {

// What a process is called by. Either may be made up by who started it, the executable less so.
struct CommandNames {
  std::optional<std::string> exe;    // basename of /proc/PID/exe; absent: unreadable, or no program (a kernel thread)
  std::optional<std::string> argv0;  // basename of argv[0]; absent: no arguments at all
  bool operator==(const CommandNames&) const = default;
};

// What a pid was found to run, by that number alone.
struct Program {
  std::string exe;      // as in ProcessFacts
  std::string cmdline;  // as in ProcessFacts
  CommandNames names;
};

struct ProcessFacts {
  sys::ProcessKey key;
  pid_t ppid = 0;
  std::uint32_t threads = 0;
  char state = '?';
  bool is_kernel_thread = false;
  std::uint64_t exec_stamp = 0;  // sys::ProcLine::exec_stamp
  BootTime started{};

  CommandNames names;
  std::string exe;                   // whole path as the process's mount namespace has it, "" when unreadable
  std::string cmdline;               // the first 4 KiB of /proc/PID/cmdline
  std::optional<std::uint32_t> uid;  // effective
  std::optional<std::string> cwd;
  std::string cgroups;  // /proc/PID/cgroup; empty when unreadable

  [[nodiscard]] bool has_ended() const { return sys::is_ended(state); }
  [[nodiscard]] std::vector<std::string> argv() const;
  [[nodiscard]] sys::Membership membership() const { return sys::parse_membership(cgroups); }
};

// The parent as filters see it.
struct ParentFacts {
  pid_t pid = 0;
  CommandNames names;  // both absent: unreadable
  bool is_readable = false;
};

class FactReader {
 public:
  // `scanner` outlives the reader. `ticks_per_second` is sysconf(_SC_CLK_TCK).
  FactReader(sys::ProcScanner& scanner, long ticks_per_second)
      : scanner_(scanner), ticks_per_second_(ticks_per_second) {}

  // What tells whether it may be a target: one read of stat, the link of its executable, its arguments.
  [[nodiscard]] Result<ProcessFacts> read_names(pid_t pid);
  // `seen`: its program as it was a moment ago, whose arguments are not read again where the executable is the same.
  [[nodiscard]] ProcessFacts read_names(const sys::ProcLine& line, const sys::ProcDir& process,
                                        Program seen = {}) const;
  // Adds owner, directory and groups; kGone when it has ended.
  [[nodiscard]] Status read_rest(ProcessFacts& facts, const sys::ProcDir& process);
  // The same, if the pid is still that process's; kGone otherwise.
  [[nodiscard]] Status read_rest(ProcessFacts& facts);
  [[nodiscard]] ParentFacts read_parent(pid_t ppid);
  [[nodiscard]] Program read_program(pid_t pid) const;
  [[nodiscard]] BootTime time_of(std::uint64_t ticks) const;

 private:
  sys::ProcScanner& scanner_;
  long ticks_per_second_;
};

// Pure. Arguments of /proc/PID/cmdline; empty ones at the end are no arguments (a process that overwrote its title).
[[nodiscard]] std::vector<std::string> parse_cmdline(std::string_view text);
[[nodiscard]] std::string_view basename_of(std::string_view path);

}  // namespace ffrtmp::govern
