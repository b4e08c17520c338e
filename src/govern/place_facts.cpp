#include "govern/place_facts.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "govern/delegation.h"
#include "sys/file_io.h"
#include "sys/path.h"

namespace ffrtmp::govern {
namespace {

using sys::CgroupVersion;
using sys::Hierarchy;

// Files of a group that can hold a limit which a process leaving it would lose.
constexpr const char* kV2Controls[] = {"cpu.max", "memory.max", "memory.high",          "memory.swap.max",
                                       "io.max",  "pids.max",   "cpuset.cpus.effective"};
constexpr const char* kV1Controls[] = {"cpu.cfs_quota_us",
                                       "memory.limit_in_bytes",
                                       "memory.soft_limit_in_bytes",
                                       "memory.memsw.limit_in_bytes",
                                       "blkio.throttle.read_bps_device",
                                       "blkio.throttle.write_bps_device",
                                       "blkio.throttle.read_iops_device",
                                       "blkio.throttle.write_iops_device",
                                       "pids.max",
                                       "cpuset.effective_cpus"};

bool is_writable(const std::string& path) { return access(path.c_str(), W_OK) == 0; }

// The hierarchy whose mount holds `directory`; the innermost, where one is mounted inside another.
const Hierarchy* find_mount(const sys::CgroupLayout& layout, const std::string& directory) {
  const Hierarchy* found = nullptr;
  for (const Hierarchy& hierarchy : layout.hierarchies)
    if (sys::is_at_or_below(directory, hierarchy.mount_point) &&
        (found == nullptr || hierarchy.mount_point.size() > found->mount_point.size()))
      found = &hierarchy;
  return found;
}

bool is_beside_mounts(const sys::CgroupLayout& layout, const std::string& directory) {
  return std::any_of(layout.hierarchies.begin(), layout.hierarchies.end(), [&](const Hierarchy& hierarchy) {
    const std::string parent = std::filesystem::path(hierarchy.mount_point).parent_path();
    return parent != "/" && sys::is_at_or_below(directory, parent);
  });
}

std::optional<std::string> path_in(const sys::CgroupLayout& layout, const Hierarchy& hierarchy,
                                   std::string_view asked) {
  while (asked.size() > 1 && asked.back() == '/') asked.remove_suffix(1);
  const std::string path = cat(asked.starts_with('/') ? "" : "/", asked);
  // Distributions link /sys/fs/cgroup/cpu to where cpu and cpuacct are mounted together.
  std::error_code error;
  const std::string real = std::filesystem::weakly_canonical(path, error).string();
  const Hierarchy* mounted = error ? nullptr : find_mount(layout, real);
  if (mounted == nullptr) return is_beside_mounts(layout, real) ? std::nullopt : std::optional(path);
  const std::string below = real.substr(mounted->mount_point.size());
  return below.empty() ? hierarchy.root : cat(hierarchy.root == "/" ? "" : hierarchy.root, below);
}

// `own` and its parents, without `ancestor`.
std::vector<std::string> groups_between(std::string own, const std::string& ancestor) {
  std::vector<std::string> groups;
  while (own != ancestor && own.size() > 1) {
    groups.push_back(own);
    own.resize(std::max<std::size_t>(own.rfind('/'), 1));
  }
  return groups;
}

void read_controls(CgroupVersion version, const std::string& path, OpenControls::Group& group,
                   std::vector<Control>& controls) {
  const auto read = [&](const char* file) {
    auto text = group.read(file);
    if (text) controls.push_back({path, file, std::move(*text)});
  };
  if (version == CgroupVersion::kV2)
    for (const char* file : kV2Controls) read(file);
  else
    for (const char* file : kV1Controls) read(file);
}

// `group`, or the nearest above it that is there: what is missing is made below that one, and begins as it is.
std::string existing(const Hierarchy& hierarchy, std::string group) {
  while (group != hierarchy.root && group.size() > 1 && access(hierarchy.directory_of(group).c_str(), F_OK) != 0)
    group.resize(std::max<std::size_t>(group.rfind('/'), 1));
  return group;
}

std::string read_cpus(CgroupVersion version, OpenControls::Group& group) {
  return group.read(version == CgroupVersion::kV2 ? "cpuset.cpus.effective" : "cpuset.effective_cpus").value_or("");
}

bool holds_only(OpenControls::Group& group, const std::set<pid_t>& moved) {
  bool finds_others = false;
  const bool is_read = group.for_each_process([&](pid_t pid) {
    finds_others = !moved.contains(pid);
    return !finds_others;
  });
  return is_read && !finds_others;
}

}  // namespace

std::optional<std::string> find_root_base(const sys::Host& host, const sys::CgroupLayout& layout,
                                          const Hierarchy& hierarchy, const std::string& cgroup_root) {
  if (!cgroup_root.empty()) return path_in(layout, hierarchy, cgroup_root);
  const auto text = sys::read_text(host.proc + "/self/cgroup");
  if (text) {
    const auto membership = sys::parse_membership(*text);
    const auto own = membership.find(hierarchy.name);
    // The caller stands in a leaf of the unit's group, as processes may not stand beside controllers in v2.
    if (own != membership.end()) {
      std::string unit = own->second;
      if (unit.ends_with(cat("/", kDaemonLeaf))) unit.resize(unit.rfind('/'));
      if (unit.size() > 1 && is_delegated(hierarchy.directory_of(unit))) return unit;
    }
  }
  if (geteuid() == 0 && is_writable(hierarchy.directory_of(hierarchy.root))) return hierarchy.root;
  return std::nullopt;
}

HierarchyFacts read_place_facts(const PlaceQuestion& question, OpenControls& controls) {
  const Hierarchy& hierarchy = *question.hierarchy;
  controls.trim();
  const std::string directory = hierarchy.directory_of(question.own);
  OpenControls::Group& own = controls.enter(directory);
  HierarchyFacts facts;
  facts.hierarchy = hierarchy.name;
  facts.version = hierarchy.version;
  facts.own = question.own;
  // Of a container's namespace "/" is an ordinary group: in v2 only the true root has no cgroup.type (cgroup-v2.html).
  // In v1 no group has one.
  facts.own_is_root = question.own == "/" && (hierarchy.version == CgroupVersion::kV1 ||
                                              access((directory + "/cgroup.type").c_str(), F_OK) != 0);
  facts.own_is_writable = is_writable(directory) && is_writable(directory + "/cgroup.procs");
  facts.root_base = question.root_base;
  facts.needs_controllers = question.needs_controllers;
  const bool may_hold_strangers = hierarchy.version == CgroupVersion::kV1 || facts.own_is_root;
  facts.holds_only_moved = may_hold_strangers || holds_only(own, question.moved);
  if ((question.wanted == Placement::kNested && can_nest(facts)) || !question.root_base) return facts;

  const std::string ancestor = common_ancestor(question.own, *question.root_base);
  const auto enter = [&](const std::string& path) -> OpenControls::Group& {
    return path == question.own ? own : controls.enter(hierarchy.directory_of(path));
  };
  const std::string base_path = existing(hierarchy, *question.root_base);
  OpenControls::Group& base = enter(base_path);
  // v2 asks for the right to write the common ancestor's cgroup.procs; v1 only for the target's.
  const std::string& asked = hierarchy.version == CgroupVersion::kV2 ? ancestor : base_path;
  facts.may_leave = is_writable(hierarchy.directory_of(asked) + "/cgroup.procs");
  for (const std::string& path : groups_between(question.own, ancestor))
    read_controls(hierarchy.version, path, enter(path), facts.controls);
  facts.base_cpus = read_cpus(hierarchy.version, base);
  return facts;
}

}  // namespace ffrtmp::govern
