#pragma once
// Where a test may make groups of the unified hierarchy. A header alone: its users link sys.
#include <unistd.h>

#include <string>

#include "base/text.h"
#include "sys/cgroup_layout.h"
#include "sys/proc_fs.h"

namespace ffrtmp::test {

// Directory of the caller's own unified group, when groups can be made in it; kUnsupported or kDenied else.
inline Result<std::string> find_own_cgroup(const sys::Host& host) {
  FFRTMP_ASSIGN(const sys::CgroupLayout layout, sys::read_cgroup_layout(host));
  const sys::Hierarchy* unified = layout.unified();
  if (unified == nullptr) return make_error(Errc::kUnsupported, "no cgroup2 mount");
  FFRTMP_ASSIGN(const std::string own, sys::read_own_unified_cgroup(host));
  const std::string path = unified->directory_of(own);
  if (access(path.c_str(), W_OK) != 0) return last_sys_error(cat("no groups can be made in ", path));
  return path;
}

}  // namespace ffrtmp::test
