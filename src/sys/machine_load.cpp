#include "sys/machine_load.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "sys/cgroup_layout.h"
#include "sys/file_io.h"
#include "sys/path.h"

namespace ffrtmp::sys {
namespace {

// Fields of the "cpu" line in /proc/stat, after its name: user nice system idle iowait irq softirq steal guest
// guest_nice.
constexpr std::size_t kIdle = 3;
constexpr std::size_t kIoWait = 4;
constexpr std::size_t kCounted = 8;

std::optional<std::int64_t> meminfo_bytes(std::string_view text, std::string_view key) {
  for (const std::string_view line : split(text, '\n')) {
    if (!line.starts_with(key)) continue;
    std::string_view value = trim(line.substr(key.size()));
    value = value.substr(0, value.find(' '));
    if (const auto kib = parse_int(value)) return *kib * 1024;
  }
  return std::nullopt;
}

std::optional<std::int64_t> read_number(const std::string& path) {
  const auto text = read_text(path);
  return text ? parse_int(trim(*text)) : std::nullopt;
}

// "50000 100000" of cpu.max, or v1's two files.
std::optional<double> quota_of(const Hierarchy& hierarchy, const std::string& directory) {
  if (hierarchy.version == CgroupVersion::kV1) {
    const auto quota = read_number(directory + "/cpu.cfs_quota_us");
    const auto period = read_number(directory + "/cpu.cfs_period_us");
    if (!quota || *quota <= 0 || !period || *period <= 0) return std::nullopt;
    return static_cast<double>(*quota) / static_cast<double>(*period);
  }
  const auto text = read_text(directory + "/cpu.max");
  if (!text) return std::nullopt;
  const auto words = split(trim(*text), ' ');
  const auto quota = parse_int(words.front());
  const auto period = words.size() == 2 ? parse_int(words[1]) : std::nullopt;
  if (!quota || !period || *period <= 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

std::optional<std::int64_t> memory_of(const Hierarchy& hierarchy, const std::string& directory) {
  const char* file = hierarchy.version == CgroupVersion::kV1 ? "/memory.limit_in_bytes" : "/memory.max";
  const auto bytes = read_number(directory + file);
  return bytes && *bytes < kV1Unlimited ? bytes : std::nullopt;
}

template <class T>
void narrow(std::optional<T>& bound, const std::optional<T>& other) {
  if (other) bound = std::min(*other, bound.value_or(*other));
}

}  // namespace

Result<CpuTimes> read_cpu_times(const Host& host) {
  FFRTMP_ASSIGN(const std::string text, read_text(host.proc + "/stat"));
  const std::string_view line = std::string_view(text).substr(0, text.find('\n'));
  CpuTimes times;
  std::size_t at = 0;
  for (const std::string_view word : split(line, ' ')) {
    const auto ticks = parse_int(word);
    if (!ticks) continue;  // "cpu" and the gap behind it
    if (at < kCounted) times.total += static_cast<std::uint64_t>(*ticks);
    if (at < kCounted && at != kIdle && at != kIoWait) times.busy += static_cast<std::uint64_t>(*ticks);
    ++at;
  }
  if (at < kCounted) return make_error(Errc::kCorrupt, cat(host.proc, "/stat: no line of all CPUs"));
  return times;
}

std::optional<double> busy_percent(const CpuTimes& before, const CpuTimes& now) {
  if (now.total <= before.total || now.busy < before.busy) return std::nullopt;
  return 100.0 * static_cast<double>(now.busy - before.busy) / static_cast<double>(now.total - before.total);
}

Result<MemorySizes> read_memory_sizes(const Host& host) {
  FFRTMP_ASSIGN(const std::string text, read_text(host.proc + "/meminfo"));
  const auto total = meminfo_bytes(text, "MemTotal:");
  const auto available = meminfo_bytes(text, "MemAvailable:");
  if (!total || !available) return make_error(Errc::kCorrupt, cat(host.proc, "/meminfo: no MemTotal or MemAvailable"));
  return MemorySizes{*total, *available};
}

std::optional<DiskSpace> read_disk_space(const std::string& path) {
  struct statvfs disk {};
  if (statvfs(path.c_str(), &disk) != 0) return std::nullopt;
  const auto used = static_cast<double>(disk.f_blocks - disk.f_bfree);
  const double usable = used + static_cast<double>(disk.f_bavail);
  return DiskSpace{static_cast<std::int64_t>(disk.f_bavail) * static_cast<std::int64_t>(disk.f_frsize),
                   usable > 0 ? used / usable : 1};
}

bool has_battery(const Host& host) {
  std::error_code error;
  for (const auto& supply : std::filesystem::directory_iterator(host.sys + "/class/power_supply", error)) {
    const std::string path = supply.path().string();
    const auto type = read_text(path + "/type");
    const auto scope = read_text(path + "/scope");
    if (type && trim(*type) == "Battery" && !(scope && trim(*scope) == "Device")) return true;
  }
  return false;
}

OwnBounds read_own_bounds(const Host& host) {
  OwnBounds bounds;
  const auto layout = read_cgroup_layout(host);
  const auto text = read_text(host.proc + "/self/cgroup");
  if (!layout || !text) return bounds;
  const Membership own = parse_membership(*text);
  const auto look = [&](const char* controller, auto take) {
    const Hierarchy* hierarchy = layout->of_controller(controller);
    const auto found = hierarchy == nullptr ? own.end() : own.find(hierarchy->name);
    if (found == own.end()) return;
    std::string path = found->second;
    while (is_at_or_below(path, hierarchy->root)) {
      take(*hierarchy, hierarchy->directory_of(path));
      if (path == hierarchy->root || path.size() <= 1) return;
      path.resize(std::max<std::size_t>(path.rfind('/'), 1));
    }
  };
  look("cpu", [&](const Hierarchy& h, const std::string& dir) { narrow(bounds.cpus, quota_of(h, dir)); });
  look("memory", [&](const Hierarchy& h, const std::string& dir) { narrow(bounds.memory_bytes, memory_of(h, dir)); });
  return bounds;
}

}  // namespace ffrtmp::sys
