#include "sys/cgroup_layout.h"

#include <fcntl.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "sys/file_io.h"
#include "sys/path.h"

namespace ffrtmp::sys {
namespace {

constexpr std::string_view kUnified = "unified";
// Options of a v1 mount that are none of its controllers; mount(8), cgroups(7).
constexpr std::string_view kOtherOptions[] = {
    "rw", "ro", "xattr", "noprefix", "clone_children", "none", "cpuset_v2_mode", "favordynmods", "nofavordynmods"};

// Octal escapes of mountinfo: "\040" is a space.
std::string unescape_mount(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool holds(std::string_view list, std::string_view word) {
  const auto words = split(list, ',');
  return std::find(words.begin(), words.end(), word) != words.end();
}

// "rw,cpu,cpuacct" or "rw,xattr,name=systemd": the hierarchy's name as /proc/PID/cgroup has it.
void read_v1_options(std::string_view options, Hierarchy& hierarchy) {
  for (const std::string_view option : split(options, ',')) {
    if (option.starts_with("name=")) {
      hierarchy.name = option;
    } else if (!option.empty() && option.find('=') == std::string_view::npos &&
               std::find(std::begin(kOtherOptions), std::end(kOtherOptions), option) == std::end(kOtherOptions)) {
      hierarchy.controllers.emplace_back(option);
    }
  }
  if (!hierarchy.controllers.empty()) hierarchy.name = join(hierarchy.controllers, ",");
}

}  // namespace

bool Hierarchy::has(std::string_view controller) const {
  return std::find(controllers.begin(), controllers.end(), controller) != controllers.end();
}

std::string Hierarchy::directory_of(std::string_view path) const {
  if (root != "/" && is_at_or_below(path, root)) path.remove_prefix(root.size());
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  return cat(mount_point, path);
}

const Hierarchy* CgroupLayout::find(std::string_view name) const {
  for (const Hierarchy& hierarchy : hierarchies)
    if (hierarchy.name == name) return &hierarchy;
  return nullptr;
}

const Hierarchy* CgroupLayout::of_controller(std::string_view controller) const {
  for (const Hierarchy& hierarchy : hierarchies) {
    const bool renamed = hierarchy.version == CgroupVersion::kV1 && controller == "io";
    if (hierarchy.has(renamed ? "blkio" : controller)) return &hierarchy;
  }
  return nullptr;
}

const Hierarchy* CgroupLayout::unified() const { return find(kUnified); }

std::vector<Hierarchy> parse_hierarchies(std::string_view mountinfo) {
  std::vector<Hierarchy> found;
  std::set<std::string> names;
  // 41 31 0:38 ROOT MOUNT_POINT OPTIONS [OPTIONAL...] - TYPE SOURCE SUPER_OPTIONS; proc_pid_mountinfo(5)
  for (const std::string_view line : split(mountinfo, '\n')) {
    const auto dash = line.find(" - cgroup");
    if (dash == std::string_view::npos) continue;
    const auto before = split(line.substr(0, dash), ' ');
    const auto after = split(line.substr(dash + 3), ' ');
    if (before.size() < 6 || after.size() < 3) continue;
    Hierarchy hierarchy;
    hierarchy.root = unescape_mount(before[3]);
    hierarchy.mount_point = unescape_mount(before[4]);
    hierarchy.favors_moves = holds(after[2], "favordynmods");
    if (after[0] == "cgroup2") {
      hierarchy.version = CgroupVersion::kV2;
      hierarchy.name = kUnified;
    } else if (after[0] == "cgroup") {
      read_v1_options(after[2], hierarchy);
    }
    if (!hierarchy.name.empty() && names.insert(hierarchy.name).second) found.push_back(std::move(hierarchy));
  }
  return found;
}

Result<CgroupLayout> read_cgroup_layout(const Host& host) {
  FFRTMP_ASSIGN(const std::string text, read_text(host.proc + "/self/mountinfo"));
  CgroupLayout layout{parse_hierarchies(text)};
  if (layout.hierarchies.empty()) return make_error(Errc::kUnsupported, "no cgroup hierarchy is mounted");
  for (Hierarchy& hierarchy : layout.hierarchies) {
    if (hierarchy.version != CgroupVersion::kV2) continue;
    const auto controllers = read_text(hierarchy.mount_point + "/cgroup.controllers");
    if (!controllers) continue;
    for (const std::string_view controller : split(trim(*controllers), ' '))
      if (!controller.empty()) hierarchy.controllers.emplace_back(controller);
  }
  return layout;
}

Membership parse_membership(std::string_view text) {
  constexpr std::string_view kDeleted = " (deleted)";
  Membership membership;
  // "4:memory:/a/b", "1:name=systemd:/", "0::/": the path may hold colons.
  for (const std::string_view line : split(text, '\n')) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    std::string_view path = line.substr(second + 1);
    if (path.ends_with(kDeleted)) path.remove_suffix(kDeleted.size());
    membership[std::string(controllers.empty() ? kUnified : controllers)] = path;
  }
  return membership;
}

Result<Membership> read_membership(const Host& host, pid_t pid) {
  FFRTMP_ASSIGN(const std::string text, read_piece_at(AT_FDCWD, cat(host.proc, "/", pid, "/cgroup").c_str()));
  return parse_membership(text);
}

}  // namespace ffrtmp::sys
