#pragma once
// A group of the unified hierarchy (cgroup v2): birth, freeze, kill, census. No limits here. On a hybrid host
// the v2 mount has no controllers, yet all of this works there; on a pure one it is the only hierarchy.
// Source: https://docs.kernel.org/admin-guide/cgroup-v2.html#core-interface-files
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/cgroup_dir.h"
#include "sys/fd.h"
#include "sys/host.h"

namespace ffrtmp::sys {

class Cgroup {
 public:
  // kGone when it is not there.
  [[nodiscard]] static Result<Cgroup> open(const std::string& path);

  [[nodiscard]] const std::string& path() const { return dir_.path(); }
  // For CLONE_INTO_CGROUP.
  [[nodiscard]] const Fd& dir() const { return dir_.fd(); }

  // cgroup.freeze, since Linux 5.2. Waits until the kernel reports all tasks stopped; kTimeout when `wait` passes
  // first: then they stop as soon as they leave the kernel.
  [[nodiscard]] Status freeze(std::chrono::milliseconds wait) const;
  [[nodiscard]] Status thaw() const;
  // As the kernel reports it: all tasks stand still, by this group's freezer or one above it.
  [[nodiscard]] Result<bool> is_frozen() const;
  // Waits until no live process is in it or below; kTimeout when `wait` passes first.
  [[nodiscard]] Status wait_empty(std::chrono::milliseconds wait) const;
  // SIGKILL to all in it and below, forks in flight included: cgroup.kill (since 5.14), else freeze, signal, thaw.
  // Works on a frozen group. Does not wait.
  [[nodiscard]] Status kill() const;
  // In it and below; pids as the caller's PID namespace numbers them, 0 for those it cannot see.
  [[nodiscard]] Result<std::vector<pid_t>> procs() const;
  // CPU time of all that ever ran in it or below, the dead included. Key: cpu.stat usage_usec, there without
  // controllers.
  [[nodiscard]] Result<std::chrono::microseconds> cpu_usage() const;

 private:
  explicit Cgroup(CgroupDir dir) : dir_(std::move(dir)) {}
  [[nodiscard]] Status wait_event(std::string_view key, bool wanted, std::chrono::milliseconds wait) const;
  [[nodiscard]] Status signal_all(int signal) const;

  CgroupDir dir_;
};

// Value of `key` in a flat keyed file ("populated 1\nfrozen 0\n"). Pure.
[[nodiscard]] std::optional<std::int64_t> parse_flat_key(std::string_view text, std::string_view key);

}  // namespace ffrtmp::sys
