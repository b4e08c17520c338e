#pragma once
// Where in a hierarchy a job's group is made, and whether a process may be moved there. Pure; facts are read by
// place_facts.h, one HierarchyFacts for each hierarchy that a requested limit needs.
//
//   <base>/ffrtmp/<job>     base: the process's own group (nested), else the root base
//
// A process is never moved out from under a limit that it has: between its own group and the ancestor it has in common
// with the base no finite cpu, memory, swap or io limit may stand, and no narrower cpuset. A finite pids.max is copied.
#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sys/cgroup_layout.h"

namespace ffrtmp::govern {

enum class Placement : std::uint8_t { kNested, kRoot };
BOOST_DESCRIBE_ENUM(Placement, kNested, kRoot)

// A control file of a group on the way, as read.
struct Control {
  std::string group;  // path in the hierarchy
  std::string file;   // "memory.max"
  std::string text;
};

struct HierarchyFacts {
  std::string hierarchy;
  sys::CgroupVersion version = sys::CgroupVersion::kV2;
  std::string own;                       // path of the process
  bool own_is_root = false;              // the hierarchy's true root: may hold processes and controllers at once
  bool own_is_writable = false;          // groups can be made in it
  bool holds_only_moved = false;         // no process is in it but those that will be moved
  bool needs_controllers = true;         // for the limits; without them v2 lets groups and processes stand side by side
  std::optional<std::string> root_base;  // path; absent: none usable
  bool may_leave = true;                 // cgroup.procs of the common ancestor with root_base is writable
  std::vector<Control> controls;         // of `own` and its parents up to, without, that ancestor
  std::string base_cpus;                 // effective cpuset of root_base, "" when unknown
};

struct Place {
  std::string base;                      // path of the group to make "ffrtmp/<job>" in; "" with a reason
  bool moves_before_enabling = false;    // v2, nested below a group that is not the root
  std::optional<std::int64_t> pids_max;  // to be copied into the new group
  std::string reason;                    // "would_escape_limits", "no_writable_base", "denied"
  std::string evidence;                  // "/a/b memory.max 104857600"
};

// Whether the job's group can be made in the process's own group; `controls`, `base_cpus` and `may_leave` are not
// needed to tell.
[[nodiscard]] bool can_nest(const HierarchyFacts& facts);
[[nodiscard]] Place decide_place(const HierarchyFacts& facts, Placement wanted);

// Whether `control` is a limit that a process leaving the group would lose; pids.max is none, it is copied.
[[nodiscard]] bool is_finite(const Control& control);
// Path of the deepest group that holds both.
[[nodiscard]] std::string common_ancestor(std::string_view a, std::string_view b);
// "0-3,8" as a set; whether a is a proper subset of b.
[[nodiscard]] bool is_narrower(std::string_view a, std::string_view b);

}  // namespace ffrtmp::govern
