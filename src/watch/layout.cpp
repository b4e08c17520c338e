#include "watch/layout.h"

#include <unistd.h>

#include "base/text.h"
#include "sys/file_io.h"

namespace ffrtmp::watch {
namespace {

bool is_there(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

}  // namespace

sys::CgroupLayout read_layout(const sys::Host& host, const std::string& cgroup_mount) {
  if (cgroup_mount.empty()) return sys::read_cgroup_layout(host).value_or({});
  sys::CgroupLayout layout;
  if (const auto text = sys::read_text(cgroup_mount + "/cgroup.controllers")) {
    sys::Hierarchy unified{"unified", sys::CgroupVersion::kV2, {}, cgroup_mount, "/", false};
    for (const std::string_view name : split(trim(*text), ' ')) unified.controllers.emplace_back(name);
    layout.hierarchies.push_back(std::move(unified));
    return layout;
  }
  for (const char* name : {"cpu", "memory", "blkio", "pids", "cpuset", "freezer", "cpuacct"})
    if (const std::string mount = cat(cgroup_mount, "/", name); is_there(mount))
      layout.hierarchies.push_back({name, sys::CgroupVersion::kV1, {name}, mount, "/", false});
  return layout;
}

}  // namespace ffrtmp::watch
