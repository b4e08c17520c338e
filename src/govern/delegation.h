#pragma once
// A group that was given to us (systemd: Delegate=yes). In v2 no process may stand in a group whose children have
// controllers, so the daemon leaves it for a leaf and makes its jobs' groups beside that.
//
//   <unit>            cgroup.subtree_control: what the jobs need
//     daemon          the governor itself
//     ffrtmp/<job>
#include <string>

#include "base/result.h"
#include "sys/cgroup_layout.h"
#include "sys/host.h"

namespace ffrtmp::govern {

inline constexpr const char* kDaemonLeaf = "daemon";

// Whether the group in this directory was delegated: systemd's mark, or, for an unprivileged caller, its owner.
[[nodiscard]] bool is_delegated(const std::string& directory);

// Moves the caller, and nobody else, out of its delegated v2 group into the leaf. False when it stays: no v2
// controllers, nothing was delegated, or others stand in the group too, so that the move would give nothing (a session
// that belongs to its user looks delegated as well). Call once, before the first attach.
[[nodiscard]] Result<bool> enter_daemon_leaf(const sys::Host& host, const sys::CgroupLayout& layout);

}  // namespace ffrtmp::govern
