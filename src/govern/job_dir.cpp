#include "govern/job_dir.h"

#include <algorithm>
#include <cerrno>

#include "base/fault.h"
#include "base/text.h"
#include "sys/path.h"

namespace ffrtmp::govern {
namespace {

using sys::CgroupDir;
using sys::Hierarchy;

constexpr int kParentTries = 2;

std::string without_last(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

// Paths from the first group below `root` to `path`.
std::vector<std::string> steps_to(const std::string& root, const std::string& path) {
  std::vector<std::string> steps;
  for (std::string at = path; at != root && sys::is_at_or_below(at, root); at = without_last(at)) steps.push_back(at);
  std::reverse(steps.begin(), steps.end());
  return steps;
}

using Make = Result<CgroupDir> (*)(const std::string& path);

Result<CgroupDir> make_group(const Hierarchy& hierarchy, const std::string& path, Make make) {
  FFRTMP_TRY(fault::check("mkdir", path));
  FFRTMP_ASSIGN(CgroupDir group, make(hierarchy.directory_of(path)));
  // A new group of the v1 cpuset has no CPUs, and a group without CPUs takes no process (ENOSPC).
  if (hierarchy.version == sys::CgroupVersion::kV1 && hierarchy.has("cpuset")) {
    FFRTMP_ASSIGN(const CgroupDir parent, CgroupDir::open(hierarchy.directory_of(without_last(path))));
    for (const char* file : {"cpuset.mems", "cpuset.cpus"}) {
      FFRTMP_ASSIGN(const std::string text, parent.read(file));
      FFRTMP_TRY(group.write(file, trim(text)));
    }
  }
  return group;
}

bool lists(std::string_view text, std::string_view word) {
  const auto words = split(trim(text), ' ');
  return std::find(words.begin(), words.end(), word) != words.end();
}

// What of `wanted` was not switched on in the group before, and is now.
Result<std::vector<std::string>> enable_in(const CgroupDir& group, const std::vector<std::string>& wanted) {
  FFRTMP_ASSIGN(const std::string before, group.read("cgroup.subtree_control"));
  std::vector<std::string> added;
  std::string text;
  for (const std::string& controller : wanted) {
    if (lists(before, controller)) continue;
    added.push_back(controller);
    text += cat(text.empty() ? "+" : " +", controller);
  }
  if (!added.empty()) FFRTMP_TRY(group.write("cgroup.subtree_control", text));
  return added;
}

}  // namespace

std::string job_path(std::string_view base, std::string_view job_id) {
  return cat(base == "/" ? std::string_view() : base, kParentStep, job_id);
}

std::string base_of(std::string_view path) {
  const std::string_view base = path.substr(0, path.rfind(kParentStep));
  return std::string(base.empty() ? "/" : base);
}

Result<CgroupDir> make_job_dir(const Hierarchy& hierarchy, const std::string& base, const std::string& job_id) {
  const std::string path = job_path(base, job_id);
  auto group = make_group(hierarchy, path, CgroupDir::create_new);
  // Only the first job finds its parents missing; and another job's end may remove "ffrtmp" in between.
  for (int tries = 0; tries < kParentTries && !group && group.error().sys == ENOENT; ++tries) {
    for (const std::string& step : steps_to(hierarchy.root, without_last(path)))
      if (!CgroupDir::open(hierarchy.directory_of(step))) FFRTMP_TRY(make_group(hierarchy, step, CgroupDir::create));
    group = make_group(hierarchy, path, CgroupDir::create_new);
  }
  if (group || group.error().sys != EEXIST) return group;
  group = make_group(hierarchy, path, CgroupDir::create);
  if (!group) return group;
  const auto pids = group->procs();
  if (pids && !pids->empty()) return make_error(Errc::kNodeBusy, cat("job id ", job_id, " is taken: ", group->path()));
  return group;
}

Status enable_controllers(const Hierarchy& hierarchy, const std::string& base,
                          const std::vector<std::string>& controllers, std::vector<std::string>& added) {
  std::vector<std::string> groups = steps_to(hierarchy.root, base);
  groups.insert(groups.begin(), hierarchy.root);
  groups.push_back(cat(base == "/" ? "" : base, "/", kParentName));
  for (const std::string& path : groups) {
    FFRTMP_ASSIGN(const CgroupDir group, CgroupDir::open(hierarchy.directory_of(path)));
    const auto now_on = enable_in(group, controllers);
    if (!now_on) {
      // A parent that is not ours to change may have them on already: the next one down tells.
      if (path != base && path != groups.back() && now_on.error().code == Errc::kDenied) continue;
      return now_on.error();
    }
    if (path == base) added.insert(added.end(), now_on->begin(), now_on->end());
  }
  return {};
}

Status disable_controllers(const Hierarchy& hierarchy, const std::string& base,
                           const std::vector<std::string>& controllers) {
  std::string text;
  for (const std::string& controller : controllers) text += cat(text.empty() ? "-" : " -", controller);
  if (text.empty()) return {};
  for (const std::string& path : {cat(base == "/" ? "" : base, "/", kParentName), base}) {
    const auto group = CgroupDir::open(hierarchy.directory_of(path));
    if (!group) continue;
    FFRTMP_TRY(group->write("cgroup.subtree_control", text));
  }
  return {};
}

Status remove_job_dir(const Hierarchy& hierarchy, const std::string& path) {
  const std::string directory = hierarchy.directory_of(path);
  if (sys::remove_empty_group(directory)) return {};
  const auto group = CgroupDir::open(directory);
  const auto pids = group ? group->procs() : Result<std::vector<pid_t>>(group.error());
  // The governor does not wait for it: others want to be looked at.
  if (pids && !pids->empty()) return sys_error(cat("remove ", directory), EBUSY);
  return sys::remove_group(directory);
}

}  // namespace ffrtmp::govern
