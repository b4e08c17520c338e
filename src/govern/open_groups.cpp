#include "govern/open_groups.h"

#include <algorithm>

#include "base/text.h"
#include "sys/cgroup.h"
#include "sys/disks.h"
#include "sys/file_io.h"

namespace ffrtmp::govern {
namespace {

using sys::CgroupDir;
using sys::CgroupVersion;

constexpr std::size_t kListsKept = 64;

void add_disks(const AttacherSettings& settings, Capabilities& capabilities) {
  const auto disks = sys::read_disks(settings.host);
  if (!disks) return;
  for (const sys::Disk& disk : *disks) capabilities.disks.push_back(disk.number);
  capabilities.bfq_is_used = std::any_of(disks->begin(), disks->end(), [](const sys::Disk& d) { return d.has_bfq; });
}

// io.cost.qos of the hierarchy's root: "8:0 enable=1 ctrl=auto …", a line for each disk it was ever written for.
bool is_io_cost_on(const sys::Hierarchy& hierarchy) {
  const auto text = sys::read_text(hierarchy.mount_point + "/io.cost.qos");
  return text && text->find("enable=1") != std::string::npos;
}

}  // namespace

Result<OpenGroups> OpenGroups::open(const AttacherSettings& settings, const std::vector<Group>& groups,
                                    const Limits& limits) {
  OpenGroups open;
  for (const Group& group : groups) {
    const sys::Hierarchy* hierarchy = settings.layout.find(group.hierarchy);
    if (hierarchy == nullptr) return make_error(Errc::kGone, cat("no hierarchy ", group.hierarchy));
    FFRTMP_ASSIGN(CgroupDir dir, CgroupDir::open(hierarchy->directory_of(group.path)));
    open.dirs_.emplace(group.hierarchy, std::make_shared<const CgroupDir>(std::move(dir)));
  }
  open.read_capabilities(settings, limits, [](const CgroupDir& dir) { return dir.files(); });
  return open;
}

OpenGroups OpenGroups::of_new(const AttacherSettings& settings, GroupDirs dirs, const Limits& limits,
                              KeptControls& kept) {
  if (kept.lists.size() > kListsKept) kept.lists.clear();
  OpenGroups open;
  open.dirs_ = std::move(dirs);
  open.read_capabilities(settings, limits, [&](const CgroupDir& dir) {
    auto& list = kept.lists[dir.path().substr(0, dir.path().rfind('/'))];
    if (list.empty()) list = dir.files();
    return list;
  });
  return open;
}

void OpenGroups::read_capabilities(const AttacherSettings& settings, const Limits& limits, const List& list) {
  std::map<std::string, std::set<std::string>> files;  // by hierarchy: in v2 all controllers share one group
  for (const Controller controller : controllers_for(limits)) {
    const sys::Hierarchy* hierarchy = settings.layout.of_controller(kernel_name(controller, CgroupVersion::kV2));
    if (hierarchy == nullptr) continue;
    const auto dir = dirs_.find(hierarchy->name);
    if (dir == dirs_.end()) continue;
    const auto listed = files.try_emplace(hierarchy->name);
    if (listed.second) listed.first->second = list(*dir->second);
    capabilities_.controllers[controller] = {hierarchy->version, hierarchy->name, listed.first->second};
    if (controller != Controller::kIo) continue;
    add_disks(settings, capabilities_);
    if (hierarchy->version == CgroupVersion::kV2) capabilities_.io_cost_is_on = is_io_cost_on(*hierarchy);
  }
}

std::optional<MemoryFacts> OpenGroups::memory_facts() const {
  const auto memory = capabilities_.controllers.find(Controller::kMemory);
  if (memory == capabilities_.controllers.end()) return std::nullopt;
  const CgroupDir& dir = *dirs_.at(memory->second.hierarchy);
  const bool v2 = memory->second.version == CgroupVersion::kV2;
  const auto number = [&](const char* file) -> std::optional<std::int64_t> {
    const auto text = dir.read(file);
    return text ? parse_int(trim(*text)) : std::nullopt;
  };
  MemoryFacts facts;
  facts.charged_bytes = number(v2 ? "memory.current" : "memory.usage_in_bytes").value_or(0);
  facts.current_hard_bytes = number(v2 ? "memory.max" : "memory.limit_in_bytes");
  facts.current_high_bytes = number(v2 ? "memory.high" : "memory.soft_limit_in_bytes");
  for (auto* bytes : {&facts.current_hard_bytes, &facts.current_high_bytes})
    if (*bytes && **bytes >= sys::kV1Unlimited) bytes->reset();
  return facts;
}

Result<std::int64_t> OpenGroups::oom_kills() const {
  const auto memory = capabilities_.controllers.find(Controller::kMemory);
  if (memory == capabilities_.controllers.end()) return make_error(Errc::kUnsupported, "no memory group");
  // memory.events since Linux 4.13 (oom_kill), memory.oom_control of v1 likewise.
  const char* file = memory->second.version == CgroupVersion::kV2 ? "memory.events" : "memory.oom_control";
  FFRTMP_ASSIGN(const std::string text, dirs_.at(memory->second.hierarchy)->read(file));
  const auto kills = sys::parse_flat_key(text, "oom_kill");
  if (!kills) return make_error(Errc::kUnsupported, cat(file, ": no oom_kill"));
  return *kills;
}

ControlDirs OpenGroups::control_dirs() const {
  ControlDirs dirs;
  for (const auto& [controller, facts] : capabilities_.controllers) dirs[controller] = dirs_.at(facts.hierarchy).get();
  return dirs;
}

std::vector<LimitReport> OpenGroups::write(const Limits& limits) const {
  return write_limits(plan_limits(limits, capabilities_), control_dirs());
}

std::vector<LimitReport> OpenGroups::read(const Limits& limits) const {
  return read_limits(plan_limits(limits, capabilities_), control_dirs());
}

void OpenGroups::take_back(const Limits& before, const Limits& now) const {
  reset_limits(plan_removal(plan_limits(before, capabilities_), plan_limits(now, capabilities_)), control_dirs());
}

}  // namespace ffrtmp::govern
