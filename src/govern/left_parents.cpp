#include "govern/left_parents.h"

#include <utility>

#include "govern/job_dir.h"
#include "sys/cgroup_dir.h"

namespace ffrtmp::govern {

Status LeftParents::remove_job(const sys::Hierarchy& hierarchy, const std::string& path) {
  FFRTMP_TRY(remove_job_dir(hierarchy, path));
  std::string directory = hierarchy.directory_of(path.substr(0, path.rfind('/')));
  if (!on_kept_) {
    (void)sys::remove_empty_group(directory);  // other jobs are in it, most often
    return {};
  }
  const bool is_first = kept_.empty();
  kept_.insert(std::move(directory));
  if (is_first) on_kept_();
  return {};
}

void LeftParents::clear() {
  for (const std::string& directory : std::exchange(kept_, {})) (void)sys::remove_empty_group(directory);
}

void LeftParents::stop_keeping() {
  on_kept_ = nullptr;
  clear();
}

}  // namespace ffrtmp::govern
