#pragma once
// Where groups are made: the host's hierarchies, or the tree that --cgroup-mount names.
#include <string>

#include "sys/cgroup_layout.h"

namespace ffrtmp::watch {

// `cgroup_mount` empty: as mounted. Else one v2 hierarchy when it has a cgroup.controllers, or a v1 hierarchy for each
// controller's directory in it. Nothing there: no hierarchies.
[[nodiscard]] sys::CgroupLayout read_layout(const sys::Host& host, const std::string& cgroup_mount);

}  // namespace ffrtmp::watch
