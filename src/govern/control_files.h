#pragma once
// A plan of limits carried out on a group's control files, and what the kernel makes of it. Effects.
#include <map>
#include <vector>

#include "govern/limit_plan.h"
#include "govern/limits.h"
#include "sys/cgroup_dir.h"

namespace ffrtmp::govern {

// The group of a job for each controller that it needs; several controllers may share one.
using ControlDirs = std::map<Controller, const sys::CgroupDir*>;

// One report a limit, the worst of its writes. Fault op: write.
[[nodiscard]] std::vector<LimitReport> write_limits(const LimitPlan& plan, const ControlDirs& dirs);
// The same, nothing written.
[[nodiscard]] std::vector<LimitReport> read_limits(const LimitPlan& plan, const ControlDirs& dirs);
// Best effort: back to no limit.
void reset_limits(const LimitPlan& plan, const ControlDirs& dirs);

}  // namespace ffrtmp::govern
