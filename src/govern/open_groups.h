#pragma once
// The groups of a governed job, opened, and what their controllers offer. Writing limits for the first time, writing
// them again and reading them back all start here.
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "govern/attacher.h"
#include "govern/control_files.h"
#include "govern/late_memory.h"
#include "govern/limit_plan.h"
#include "govern/open_controls.h"
#include "sys/cgroup_dir.h"

namespace ffrtmp::govern {

// By hierarchy.
using GroupDirs = std::map<std::string, std::shared_ptr<const sys::CgroupDir>>;

class OpenGroups {
 public:
  // kGone when a group is not there any more.
  [[nodiscard]] static Result<OpenGroups> open(const AttacherSettings& settings, const std::vector<Group>& groups,
                                               const Limits& limits);
  // Of groups that are open already and were made just now. Their files are those that `kept` knows of their place,
  // which takes in what it lacks: they may be others by now.
  [[nodiscard]] static OpenGroups of_new(const AttacherSettings& settings, GroupDirs dirs, const Limits& limits,
                                         KeptControls& kept);

  [[nodiscard]] const GroupDirs& dirs() const { return dirs_; }
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
  using List = std::function<std::set<std::string>(const sys::CgroupDir&)>;
  void read_capabilities(const AttacherSettings& settings, const Limits& limits, const List& list);
  [[nodiscard]] ControlDirs control_dirs() const;

  GroupDirs dirs_;
  Capabilities capabilities_;
};

}  // namespace ffrtmp::govern
