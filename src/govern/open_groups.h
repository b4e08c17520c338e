#pragma once
// The groups of a governed job, opened, and what their controllers offer. Writing limits for the first time, writing
// them again and reading them back all start here.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "govern/attacher.h"
#include "govern/control_files.h"
#include "govern/late_memory.h"
#include "govern/limit_plan.h"
#include "sys/cgroup_dir.h"

namespace ffrtmp::govern {

class OpenGroups {
 public:
  // kGone when a group is not there any more.
  [[nodiscard]] static Result<OpenGroups> open(const AttacherSettings& settings, const std::vector<Group>& groups,
                                               const Limits& limits);

  [[nodiscard]] const std::map<std::string, sys::CgroupDir>& dirs() const { return dirs_; }
  [[nodiscard]] const Capabilities& capabilities() const { return capabilities_; }

  // Current use and hard limit of the memory group; nothing without one.
  [[nodiscard]] std::optional<MemoryFacts> memory_facts() const;
  // Times that the kernel killed in the memory group.
  [[nodiscard]] Result<std::int64_t> oom_kills() const;

  [[nodiscard]] std::vector<LimitReport> write(const Limits& limits) const;
  [[nodiscard]] std::vector<LimitReport> read(const Limits& limits) const;
  void reset(const Limits& limits) const { take_back(limits, {}); }
  // What `before` asks for and `now` does not is set back to none.
  void take_back(const Limits& before, const Limits& now) const;

 private:
  [[nodiscard]] ControlDirs control_dirs() const;

  std::map<std::string, sys::CgroupDir> dirs_;  // by hierarchy
  Capabilities capabilities_;
};

}  // namespace ffrtmp::govern
