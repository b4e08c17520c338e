#pragma once
// All processes of an engine, acted on at once: by their group where there is one, as init of the PID namespace they
// live in, else one by one as the descendants of this subreaper.
#include <chrono>
#include <optional>
#include <vector>

#include "base/result.h"
#include "sys/cgroup.h"
#include "sys/host.h"
#include "sys/proc_fs.h"

namespace ffrtmp::supervisor {

class Tree {
 public:
  // `self` is the calling process as `host.proc` numbers it; all its descendants are the tree.
  Tree(sys::Host host, pid_t self, std::optional<sys::Cgroup> group);

  [[nodiscard]] const std::optional<sys::Cgroup>& group() const { return group_; }

  // By the group's freezer, where that fails by SIGSTOP, and read back: ok says that all stand still. Not within
  // `wait`: kTimeout, or the freezer's error. What sleeps in the kernel stops as soon as it leaves it, so asking again
  // may do.
  [[nodiscard]] Status freeze(std::chrono::milliseconds wait);
  // Ok: nothing holds them any more. To be asked again otherwise.
  [[nodiscard]] Status thaw();
  // To all of a tree that is not frozen; wakes those that stopped themselves.
  void terminate() const;
  // SIGKILL to all, frozen or not. To be repeated until none is left: one may fork meanwhile.
  void kill() const;
  // Of all that ever ran in it, the dead included.
  [[nodiscard]] Result<std::chrono::microseconds> cpu_usage() const;

 private:
  [[nodiscard]] Status stop(std::chrono::milliseconds wait);
  void wake_vforked(const std::vector<sys::ProcStat>& all) const;
  void signal_one(const sys::ProcStat& stat, int signal) const;
  void signal_all(int signal) const;
  void signal_descendants(int signal) const;

  sys::Host host_;
  pid_t self_;
  bool is_init_;
  std::optional<sys::Cgroup> group_;
  bool stopped_by_signal_ = false;
};

}  // namespace ffrtmp::supervisor
