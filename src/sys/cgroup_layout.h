#pragma once
// Which cgroup hierarchies this host has, where they are mounted, and where a process stands in each of them.
// Three shapes: v2 only, v1 only, and hybrid (v1 controllers, and a v2 mount that has none or some).
// Source: https://docs.kernel.org/admin-guide/cgroup-v1/cgroups.html, .../cgroup-v2.html; proc_pid_cgroup(5)
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/host.h"

namespace ffrtmp::sys {

// v1 has no word for "no limit" in memory files: it is the largest multiple of the page size below 2^63. From here on
// it is none.
inline constexpr std::int64_t kV1Unlimited = std::int64_t{1} << 62;

enum class CgroupVersion : std::uint8_t { kV1, kV2 };

// One mounted hierarchy.
struct Hierarchy {
  // Names it in records and in Membership: "unified" for v2, else as /proc/PID/cgroup says it ("cpu,cpuacct",
  // "name=systemd").
  std::string name;
  CgroupVersion version = CgroupVersion::kV1;
  std::vector<std::string> controllers;  // "cpu", "memory"; of v2: what its root's cgroup.controllers lists
  std::string mount_point;
  std::string root;           // the group that stands at mount_point; "/" unless in a container
  bool favors_moves = false;  // mounted "favordynmods": a rare move costs < 1 ms instead of 8-40 ms

  [[nodiscard]] bool has(std::string_view controller) const;
  // Directory of the group `path` of this hierarchy, which has to be below `root`.
  [[nodiscard]] std::string directory_of(std::string_view path) const;
  bool operator==(const Hierarchy&) const = default;
};

struct CgroupLayout {
  std::vector<Hierarchy> hierarchies;

  // Null when there is none.
  [[nodiscard]] const Hierarchy* find(std::string_view name) const;
  // The hierarchy that owns a controller ("io" is "blkio" in v1).
  [[nodiscard]] const Hierarchy* of_controller(std::string_view controller) const;
  [[nodiscard]] const Hierarchy* unified() const;
};

// Pure, of /proc/PID/mountinfo; a v2 hierarchy's controllers are left empty. A hierarchy mounted twice counts once.
[[nodiscard]] std::vector<Hierarchy> parse_hierarchies(std::string_view mountinfo);
// The caller's mount namespace; kUnsupported when no hierarchy is mounted.
[[nodiscard]] Result<CgroupLayout> read_cgroup_layout(const Host& host);

// Path of a process in each hierarchy, by Hierarchy::name.
using Membership = std::map<std::string, std::string>;
// Pure, of /proc/PID/cgroup. " (deleted)" behind the path of a removed group is kept off.
[[nodiscard]] Membership parse_membership(std::string_view text);
[[nodiscard]] Result<Membership> read_membership(const Host& host, pid_t pid);

}  // namespace ffrtmp::sys
