#pragma once
// The group of the systemd unit that the daemon runs in, on cgroup v2 (see govern/delegation.h).
#include "base/result.h"
#include "sys/cgroup_layout.h"
#include "sys/host.h"

namespace ffrtmp::watch {

// For ExecStopPost. systemd starts a unit's processes in the unit's own group, and the kernel refuses that as long as
// controllers are on for the groups below: behind a daemon that was killed, or that left limits on purpose, no other
// could start. This switches them off; the next daemon switches them on again and writes the limits of what it takes
// over. False when there is nothing to do.
[[nodiscard]] Result<bool> reopen_unit(const sys::Host& host, const sys::CgroupLayout& layout);

}  // namespace ffrtmp::watch
