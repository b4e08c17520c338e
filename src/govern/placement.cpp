#include "govern/placement.h"

#include <algorithm>
#include <set>

#include "base/text.h"

namespace ffrtmp::govern {
namespace {

bool is_cpuset(std::string_view file) { return file == "cpuset.cpus.effective" || file == "cpuset.effective_cpus"; }

bool is_v1_memory(std::string_view file) { return file.starts_with("memory.") && file.ends_with("_in_bytes"); }

std::set<int> parse_cpus(std::string_view text) {
  std::set<int> cpus;
  for (const std::string_view range : split(trim(text), ',')) {
    const auto dash = range.find('-');
    const auto first = parse_int(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_int(range.substr(dash + 1));
    if (!first || !last) continue;
    for (auto cpu = *first; cpu <= *last; ++cpu) cpus.insert(static_cast<int>(cpu));
  }
  return cpus;
}

// "8:0 rbps=max wbps=1048576": any key that is no "max".
bool has_device_limit(std::string_view text) {
  for (const std::string_view word : split(text, ' ')) {
    const auto equals = word.find('=');
    if (equals != std::string_view::npos && !trim(word.substr(equals + 1)).starts_with("max")) return true;
  }
  return false;
}

std::string tell(const Control& control) { return cat(control.group, " ", control.file, " ", trim(control.text)); }

}  // namespace

bool is_narrower(std::string_view a, std::string_view b) {
  const std::set<int> inner = parse_cpus(a);
  const std::set<int> outer = parse_cpus(b);
  return !inner.empty() && inner.size() < outer.size() &&
         std::includes(outer.begin(), outer.end(), inner.begin(), inner.end());
}

bool is_finite(const Control& control) {
  const std::string_view file = control.file;
  const std::string_view text = trim(control.text);
  if (file == "cpu.max" || file == "memory.max" || file == "memory.high" || file == "memory.swap.max")
    return !text.empty() && !text.starts_with("max");
  if (file == "io.max") return has_device_limit(text);
  if (file == "cpu.cfs_quota_us") return parse_int(text).value_or(-1) > 0;
  if (is_v1_memory(file)) return parse_int(text).value_or(sys::kV1Unlimited) < sys::kV1Unlimited;
  if (file.starts_with("blkio.throttle.")) return !text.empty();
  return false;
}

std::string common_ancestor(std::string_view a, std::string_view b) {
  const auto left = split(a, '/');
  const auto right = split(b, '/');
  std::string common;
  for (std::size_t i = 1; i < left.size() && i < right.size() && left[i] == right[i] && !left[i].empty(); ++i)
    common += cat("/", left[i]);
  return common.empty() ? "/" : common;
}

bool can_nest(const HierarchyFacts& facts) {
  if (!facts.own_is_writable) return false;
  return facts.version == sys::CgroupVersion::kV1 || !facts.needs_controllers || facts.own_is_root ||
         facts.holds_only_moved;
}

Place decide_place(const HierarchyFacts& facts, Placement wanted) {
  Place place;
  if (wanted == Placement::kNested && can_nest(facts)) {
    place.base = facts.own;
    place.moves_before_enabling =
        facts.version == sys::CgroupVersion::kV2 && facts.needs_controllers && !facts.own_is_root;
    return place;
  }
  if (!facts.root_base) {
    place.reason = "no_writable_base";
    place.evidence = cat("no group of ", facts.hierarchy, " can be made");
    return place;
  }
  if (!facts.may_leave) {
    place.reason = "denied";
    place.evidence = cat("may not leave ", facts.own, " of ", facts.hierarchy);
    return place;
  }
  for (const Control& control : facts.controls) {
    if (is_finite(control) || (is_cpuset(control.file) && is_narrower(control.text, facts.base_cpus))) {
      place.reason = "would_escape_limits";
      place.evidence = tell(control);
      return place;
    }
    if (control.file != "pids.max") continue;
    const auto pids = parse_int(trim(control.text));
    if (pids) place.pids_max = std::min(*pids, place.pids_max.value_or(*pids));
  }
  place.base = *facts.root_base;
  return place;
}

}  // namespace ffrtmp::govern
