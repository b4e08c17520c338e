#pragma once
// What decide_place has to know of a process and a hierarchy, read from the kernel.
#include <sys/types.h>

#include <set>
#include <string>

#include "base/result.h"
#include "govern/open_controls.h"
#include "govern/placement.h"
#include "sys/cgroup_layout.h"
#include "sys/host.h"

namespace ffrtmp::govern {

// Group of `hierarchy` in which jobs are put that cannot stay below their own group: `cgroup_root` when given, else the
// caller's own group when it was delegated to it, else, for root, the top. Absent: none.
//
// `cgroup_root` is a path inside the hierarchies, or a directory below the mount of any one of them ("/sys/fs/cgroup/
// memory/a", "/sys/fs/cgroup/cpu/a"), and names the same group in each. A directory beside the mounts names none.
[[nodiscard]] std::optional<std::string> find_root_base(const sys::Host& host, const sys::CgroupLayout& layout,
                                                        const sys::Hierarchy& hierarchy,
                                                        const std::string& cgroup_root);

struct PlaceQuestion {
  const sys::Hierarchy* hierarchy = nullptr;
  std::string own;                       // path of the process
  std::set<pid_t> moved;                 // all that will be moved
  std::optional<std::string> root_base;  // of find_root_base
  Placement wanted = Placement::kNested;
  bool needs_controllers = true;         // as in HierarchyFacts
};
[[nodiscard]] HierarchyFacts read_place_facts(const PlaceQuestion& question, OpenControls& controls);

}  // namespace ffrtmp::govern
