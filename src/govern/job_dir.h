#pragma once
// The directories of jobs in one hierarchy: <base>/ffrtmp/<job>. Effects.
//
//   <base>                 v2: cgroup.subtree_control has what the job needs
//     ffrtmp               v2: the same
//       <job>              the process and, with `children`, its tree
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/cgroup_dir.h"
#include "sys/cgroup_layout.h"

namespace ffrtmp::govern {

inline constexpr std::string_view kParentName = "ffrtmp";
inline constexpr std::string_view kParentStep = "/ffrtmp/";  // in the path of a job's group

[[nodiscard]] std::string job_path(std::string_view base, std::string_view job_id);
// The base of a path that job_path made.
[[nodiscard]] std::string base_of(std::string_view path);

// Makes the group; missing parents of `base` too. kNodeBusy when it is there with processes in it. Fault op: mkdir.
[[nodiscard]] Result<sys::CgroupDir> make_job_dir(const sys::Hierarchy& hierarchy, const std::string& base,
                                                  const std::string& job_id);

// v2: switches the controllers on for the job's group, in every group from the hierarchy's root to <base>/ffrtmp.
// `added` gets those that this call switched on in `base` itself, also when a later step fails. EBUSY when a process
// stands in one of the groups.
[[nodiscard]] Status enable_controllers(const sys::Hierarchy& hierarchy, const std::string& base,
                                        const std::vector<std::string>& controllers, std::vector<std::string>& added);
// The reverse for `base` and <base>/ffrtmp, bottom up; a group that is gone is fine.
[[nodiscard]] Status disable_controllers(const sys::Hierarchy& hierarchy, const std::string& base,
                                         const std::vector<std::string>& controllers);

// Removes a job's group in which nobody is any more; "ffrtmp" is left (govern/left_parents.h). EBUSY at once while
// somebody is in it.
[[nodiscard]] Status remove_job_dir(const sys::Hierarchy& hierarchy, const std::string& path);

}  // namespace ffrtmp::govern
