#pragma once
// The end of a job's group, and of the "ffrtmp" that it leaves behind. Effects.
#include <functional>
#include <set>
#include <string>

#include "base/result.h"
#include "sys/cgroup_layout.h"

namespace ffrtmp::govern {

class LeftParents {
 public:
  // Without `on_kept` a parent goes with the last of its jobs. Else it is kept for a next one, since a new parent has to
  // have its controllers switched on, until clear(): `on_kept` is called when there is one to clear and was none.
  explicit LeftParents(std::function<void()> on_kept) : on_kept_(std::move(on_kept)) {}

  // remove_job_dir() (govern/job_dir.h), and its parent with it or later. Errors: of the first.
  [[nodiscard]] Status remove_job(const sys::Hierarchy& hierarchy, const std::string& path);
  // The same for a group that should be empty: a process that ends just now holds it for a moment. What does not go is
  // tried again at each clear(), without `on_kept` here and now for a second.
  [[nodiscard]] Status remove_emptied_job(const sys::Hierarchy& hierarchy, const std::string& path);
  // Those in which jobs are stay.
  void clear();
  // clear(), and from now on as without `on_kept`.
  void stop_keeping();

 private:
  void keep(std::set<std::string>& among, std::string directory);

  std::function<void()> on_kept_;
  std::set<std::string> busy_;  // directories of jobs
  std::set<std::string> kept_;  // directories of parents
};

}  // namespace ffrtmp::govern
