#pragma once
// Starts programs: no shell, nothing inherited that was not named, born inside its group.
// Source: clone3(2), CLONE_INTO_CGROUP since Linux 5.7; without clone3 the child joins the group before its exec.
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace ffrtmp::sys {

struct Command {
  std::vector<std::string> argv;  // argv[0] without '/' is looked up in the PATH of `env`
  std::vector<std::string> env;   // the whole environment, NAME=value
  std::string cwd;                // empty: the caller's

  // Descriptors of the child and what they are; all others are closed, 0 to 2 are /dev/null unless named.
  struct PassedFd {
    int child_fd = 0;
    int fd = -1;
  };
  std::vector<PassedFd> fds;

  std::optional<int> nice;
  int cgroup_dir = -1;             // descriptor of a unified group's directory; -1: the caller's group
  int ruleset_fd = -1;             // of sys/confinement.h; the child can then gain no privileges by its exec either
  std::optional<std::uint64_t> max_data_bytes;  // what it may hold of private memory (RLIMIT_DATA); children inherit it
  bool new_pid_namespace = false;  // the child is its init: when it ends, the kernel kills all others in it
  bool die_with_parent = false;    // SIGKILL when the spawning thread ends; setuid programs shed it
};

struct Child {
  pid_t pid = 0;  // as the caller's PID namespace numbers it
  Fd pidfd;
};

// Returns after the exec, which therefore succeeded: its failure comes back as the error, naming the step. The child
// leads a session of its own and starts with default signals, none blocked. Any thread.
[[nodiscard]] Result<Child> spawn(const Command& command);

// A child that is there and waits before its exec, so that it can be put where it belongs first. When it is dropped, or
// the spawning process dies, it ends without an exec.
class HeldChild {
 public:
  // Lets it go on to its exec; a failure comes back as from spawn(), and the child is reaped then.
  [[nodiscard]] Result<Child> release() &&;
  [[nodiscard]] pid_t pid() const { return child_.pid; }

  HeldChild(HeldChild&&) noexcept = default;
  HeldChild& operator=(HeldChild&&) = delete;
  HeldChild(const HeldChild&) = delete;
  HeldChild& operator=(const HeldChild&) = delete;
  ~HeldChild();

 private:
  friend Result<HeldChild> spawn_held(const Command& command);
  HeldChild(Child child, Fd gate, Fd report, std::string program)
      : child_(std::move(child)), gate_(std::move(gate)), report_(std::move(report)), program_(std::move(program)) {}
  Child child_;
  Fd gate_;    // the child reads one byte from its other end
  Fd report_;  // closed by the exec
  std::string program_;
};
[[nodiscard]] Result<HeldChild> spawn_held(const Command& command);

// That of this process, NAME=value.
[[nodiscard]] std::vector<std::string> own_environment();
// The file that `name` means under the PATH of `env`, the system's usual one where it has none. kGone when there is none.
[[nodiscard]] Result<std::string> find_program(const std::string& name, const std::vector<std::string>& env);

}  // namespace ffrtmp::sys
