#include "govern/left_parents.h"

#include <poll.h>

#include <cerrno>
#include <utility>

#include "govern/job_dir.h"
#include "sys/cgroup_dir.h"

namespace ffrtmp::govern {
namespace {

// A second: the last task leaves its group after it was reaped.
constexpr int kTries = 200;
constexpr int kPauseMs = 5;

}  // namespace

Status LeftParents::remove_job(const sys::Hierarchy& hierarchy, const std::string& path) {
  FFRTMP_TRY(remove_job_dir(hierarchy, path));
  std::string directory = hierarchy.directory_of(path.substr(0, path.rfind('/')));
  if (on_kept_)
    keep(kept_, std::move(directory));
  else
    (void)sys::remove_empty_group(directory);  // other jobs are in it, most often
  return {};
}

Status LeftParents::remove_emptied_job(const sys::Hierarchy& hierarchy, const std::string& path) {
  Status removed = remove_job(hierarchy, path);
  const auto is_busy = [&] { return !removed && removed.error().sys == EBUSY; };
  if (on_kept_ && is_busy()) keep(busy_, hierarchy.directory_of(path));
  for (int tries = 1; !on_kept_ && is_busy() && tries < kTries; ++tries) {
    poll(nullptr, 0, kPauseMs);
    removed = remove_job(hierarchy, path);
  }
  return removed;
}

void LeftParents::keep(std::set<std::string>& among, std::string directory) {
  const bool is_first = busy_.empty() && kept_.empty();
  among.insert(std::move(directory));
  if (is_first) on_kept_();
}

void LeftParents::clear() {
  std::erase_if(busy_, [this](const std::string& directory) {
    if (!sys::remove_empty_group(directory)) return false;
    kept_.insert(directory.substr(0, directory.rfind('/')));
    return true;
  });
  for (const std::string& directory : std::exchange(kept_, {})) (void)sys::remove_empty_group(directory);
  if (!busy_.empty() && on_kept_) on_kept_();
}

void LeftParents::stop_keeping() {
  on_kept_ = nullptr;
  clear();
}

}  // namespace ffrtmp::govern
