#pragma once
// Groups of the unified hierarchy for tests: where they may be, how they are made and what they are. A header alone:
// its users link sys.
#include <unistd.h>

#include <string>

#include "base/text.h"
#include "sys/cgroup.h"
#include "sys/cgroup_layout.h"
#include "sys/file_io.h"
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

// Makes a group of the unified hierarchy and missing parents; one that is there already is opened.
inline Result<sys::Cgroup> make_cgroup(const std::string& path) {
  FFRTMP_TRY(sys::make_directories(path, 0755));
  return sys::Cgroup::open(path);
}

// As the kernel tells it, whatever was asked of it.
inline bool is_frozen(const sys::Cgroup& group) {
  return sys::parse_flat_key(sys::read_text(group.path() + "/cgroup.events").value_or(""), "frozen") == 1;
}

}  // namespace ffrtmp::test
