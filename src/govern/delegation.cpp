#include "govern/delegation.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <vector>

#include "base/text.h"
#include "sys/cgroup_dir.h"
#include "sys/proc_fs.h"

namespace ffrtmp::govern {

bool is_delegated(const std::string& directory) {
  char value[8] = {};
  for (const char* name : {"trusted.delegate", "user.delegate"})
    if (getxattr(directory.c_str(), name, value, sizeof value) >= 1 && value[0] == '1') return true;
  struct stat info {};
  return geteuid() != 0 && stat(directory.c_str(), &info) == 0 && info.st_uid == geteuid();
}

Result<bool> enter_daemon_leaf(const sys::Host& host, const sys::CgroupLayout& layout) {
  const sys::Hierarchy* unified = layout.unified();
  if (unified == nullptr || layout.of_controller("cpu") != unified) return false;  // v1 limits need no leaf
  FFRTMP_ASSIGN(const std::string own, sys::read_own_unified_cgroup(host));
  if (own.size() <= 1) return false;  // the root was given to nobody
  if (own.ends_with(cat("/", kDaemonLeaf))) return true;
  const std::string directory = unified->directory_of(own);
  if (!is_delegated(directory)) return false;
  FFRTMP_ASSIGN(const sys::CgroupDir unit, sys::CgroupDir::open(directory));
  FFRTMP_ASSIGN(const std::vector<pid_t> pids, unit.own_procs());
  if (pids != std::vector<pid_t>{getpid()}) return false;
  FFRTMP_ASSIGN(const sys::CgroupDir leaf, sys::CgroupDir::create(cat(directory, "/", kDaemonLeaf)));
  FFRTMP_TRY(leaf.add(getpid()));
  return true;
}

}  // namespace ffrtmp::govern
