#include "watch/unit_group.h"

#include <string>
#include <vector>

#include "base/text.h"
#include "govern/delegation.h"
#include "govern/job_dir.h"
#include "sys/cgroup_dir.h"
#include "sys/proc_fs.h"

namespace ffrtmp::watch {
namespace {

// Where systemd puts a delegated unit's control processes, that they may run beside controllers.
constexpr std::string_view kControlGroup = "/.control";

}  // namespace

Result<bool> reopen_unit(const sys::Host& host, const sys::CgroupLayout& layout) {
  const sys::Hierarchy* unified = layout.unified();
  if (unified == nullptr) return false;
  FFRTMP_ASSIGN(std::string unit, sys::read_own_unified_cgroup(host));
  if (unit.ends_with(kControlGroup)) unit.resize(unit.size() - kControlGroup.size());
  if (unit.size() <= 1 || !govern::is_delegated(unified->directory_of(unit))) return false;
  FFRTMP_ASSIGN(const sys::CgroupDir group, sys::CgroupDir::open(unified->directory_of(unit)));
  FFRTMP_ASSIGN(const std::string text, group.read("cgroup.subtree_control"));
  std::vector<std::string> controllers;
  for (const std::string_view name : split(trim(text), ' '))
    if (!name.empty()) controllers.emplace_back(name);
  if (controllers.empty()) return false;
  FFRTMP_TRY(govern::disable_controllers(*unified, unit, controllers));
  return true;
}

}  // namespace ffrtmp::watch
