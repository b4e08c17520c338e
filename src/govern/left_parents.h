#pragma once
// The "ffrtmp" directories that jobs leave behind them. Effects.
#include <functional>
#include <set>
#include <string>

#include "sys/cgroup_layout.h"

namespace ffrtmp::govern {

class LeftParents {
 public:
  // Without `on_kept` a parent goes with the last of its jobs. Else it is kept for a next one, since a new parent has to
  // have its controllers switched on, until clear(): `on_kept` is called when there is one to clear and was none.
  explicit LeftParents(std::function<void()> on_kept) : on_kept_(std::move(on_kept)) {}

  // The job's group at `path` is gone, or has never been there.
  void leave(const sys::Hierarchy& hierarchy, const std::string& path);
  // Those in which jobs are stay.
  void clear();
  // clear(), and from now on as without `on_kept`.
  void stop_keeping();

 private:
  std::function<void()> on_kept_;
  std::set<std::string> kept_;  // directories
};

}  // namespace ffrtmp::govern
