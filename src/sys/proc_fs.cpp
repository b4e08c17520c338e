#include "sys/proc_fs.h"

#include <dirent.h>
#include <fcntl.h>

#include <array>
#include <cerrno>
#include <map>
#include <memory>

#include "base/text.h"
#include "sys/file_io.h"

namespace ffrtmp::sys {
namespace {

// Fields behind the name, counted from "state" = 0; proc(5) numbers that one 3.
enum StatField : std::size_t {
  kState = 0,
  kPpid = 1,
  kPgrp = 2,
  kSession = 3,
  kUtime = 11,
  kStime = 12,
  kCutime = 13,
  kCstime = 14,
  kStartTime = 19,
  kRss = 21,
  kFieldsNeeded = 22
};

std::string pid_path(const Host& host, pid_t pid, std::string_view file) { return cat(host.proc, "/", pid, "/", file); }

bool is_vanished(const Error& error) { return error.code == Errc::kGone; }

}  // namespace

Result<ProcStat> parse_stat(std::string_view text) {
  const auto corrupt = [&](std::string_view item) {
    return make_error(Errc::kCorrupt, cat("stat: ", item, " in \"", escape(text.substr(0, 200)), "\""));
  };
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return corrupt("no name");
  const auto fields = split(trim(text.substr(close + 1)), ' ');
  const auto pid = parse_int(trim(text.substr(0, open)));
  if (!pid) return corrupt("no pid");
  if (fields.size() < kFieldsNeeded || fields[kState].size() != 1) return corrupt("too few fields");

  ProcStat stat;
  stat.pid = static_cast<pid_t>(*pid);
  stat.comm = text.substr(open + 1, close - open - 1);
  stat.state = fields[kState][0];
  bool whole = true;
  const auto number = [&](StatField field) {
    const auto value = parse_int(fields[field]);
    whole = whole && value.has_value();
    return value.value_or(0);
  };
  stat.ppid = static_cast<pid_t>(number(kPpid));
  stat.pgrp = static_cast<pid_t>(number(kPgrp));
  stat.session = static_cast<pid_t>(number(kSession));
  stat.utime = static_cast<std::uint64_t>(number(kUtime));
  stat.stime = static_cast<std::uint64_t>(number(kStime));
  stat.cutime = static_cast<std::uint64_t>(number(kCutime));
  stat.cstime = static_cast<std::uint64_t>(number(kCstime));
  stat.start_ticks = static_cast<std::uint64_t>(number(kStartTime));
  stat.rss_pages = number(kRss);
  if (!whole) return corrupt("no number");
  return stat;
}

Result<ProcStat> read_stat(const Host& host, pid_t pid) {
  FFRTMP_ASSIGN(const std::string text, read_piece_at(AT_FDCWD, pid_path(host, pid, "stat").c_str()));
  return parse_stat(text);
}

Result<ProcStat> read_own_stat(const Host& host) {
  FFRTMP_ASSIGN(const std::string text, read_text(host.proc + "/self/stat"));
  return parse_stat(text);
}

Result<std::vector<ProcStat>> read_all_stats(const Host& host) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(host.proc.c_str()), closedir);
  if (!dir) return last_sys_error(cat("open ", host.proc));
  std::vector<ProcStat> all;
  while (const dirent* entry = readdir(dir.get())) {
    const auto pid = parse_int(entry->d_name);
    if (!pid) continue;
    auto stat = read_stat(host, static_cast<pid_t>(*pid));
    if (stat) {
      all.push_back(std::move(stat).value());
    } else if (!is_vanished(stat.error())) {
      return std::move(stat).error();
    }
  }
  return all;
}

std::vector<ProcStat> descendants_of(pid_t root, const std::vector<ProcStat>& all) {
  std::multimap<pid_t, const ProcStat*> children;
  for (const ProcStat& stat : all) children.emplace(stat.ppid, &stat);
  std::vector<ProcStat> found;
  std::vector<pid_t> open{root};
  while (!open.empty()) {
    const pid_t parent = open.back();
    open.pop_back();
    const auto [from, to] = children.equal_range(parent);
    for (auto it = from; it != to; ++it) {
      found.push_back(*it->second);
      open.push_back(it->second->pid);
    }
    children.erase(from, to);  // a pid reused between two reads must not make a ring
  }
  return found;
}

Result<std::vector<ProcStat>> read_descendants(const Host& host, pid_t root) {
  FFRTMP_ASSIGN(const std::vector<ProcStat> all, read_all_stats(host));
  return descendants_of(root, all);
}

Result<std::string> parse_unified_cgroup(std::string_view text) {
  for (const std::string_view line : split(text, '\n'))
    if (line.starts_with("0::/")) return std::string(line.substr(3));
  return make_error(Errc::kUnsupported, "no unified cgroup hierarchy");
}

Result<std::string> read_unified_cgroup(const Host& host, pid_t pid) {
  FFRTMP_ASSIGN(const std::string text, read_text(pid_path(host, pid, "cgroup")));
  return parse_unified_cgroup(text);
}

Result<std::string> read_own_unified_cgroup(const Host& host) {
  FFRTMP_ASSIGN(const std::string text, read_text(host.proc + "/self/cgroup"));
  return parse_unified_cgroup(text);
}

Result<std::string> read_boot_id(const Host& host) {
  FFRTMP_ASSIGN(const std::string text, read_text(cat(host.proc, "/", "sys/kernel/random/boot_id")));
  return std::string(trim(text));
}

Result<std::string> read_kernel_release(const Host& host) {
  FFRTMP_ASSIGN(const std::string text, read_text(cat(host.proc, "/", "sys/kernel/osrelease")));
  return std::string(trim(text));
}

Result<std::string> read_environment_value(const Host& host, pid_t pid, std::string_view name) {
  FFRTMP_ASSIGN(const std::string text, read_text(pid_path(host, pid, "environ"), 8 << 20));
  for (const std::string_view item : split(text, '\0'))
    if (item.size() > name.size() && item.starts_with(name) && item[name.size()] == '=')
      return std::string(item.substr(name.size() + 1));
  return make_error(Errc::kGone, cat("process ", pid, " has no ", name));
}

Result<std::vector<MarkedProcess>> find_marked(const Host& host, std::string_view name) {
  FFRTMP_ASSIGN(const std::vector<ProcStat> all, read_all_stats(host));
  std::vector<MarkedProcess> found;
  for (const ProcStat& stat : all) {
    if (stat.has_ended()) continue;
    auto value = read_environment_value(host, stat.pid, name);
    if (value) found.push_back({stat.key(), std::move(value).value()});
  }
  return found;
}

}  // namespace ffrtmp::sys
