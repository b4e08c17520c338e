#pragma once
// How busy the whole machine is, what it has, and what of it this process may use. Source: proc(5); sysfs
// class power_supply, https://docs.kernel.org/power/power_supply_class.html
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "sys/host.h"

namespace ffrtmp::sys {

// Of all CPUs together, in clock ticks since the boot.
struct CpuTimes {
  std::uint64_t busy = 0;   // all but idle and iowait
  std::uint64_t total = 0;  // guest time is in user already, and not counted twice
};
[[nodiscard]] Result<CpuTimes> read_cpu_times(const Host& host);
// Percent of the machine between two readings, 0-100; nothing when no tick has passed.
[[nodiscard]] std::optional<double> busy_percent(const CpuTimes& before, const CpuTimes& now);

struct MemorySizes {
  std::int64_t total_bytes = 0;
  std::int64_t available_bytes = 0;  // without swapping, the kernel's own estimate
};
[[nodiscard]] Result<MemorySizes> read_memory_sizes(const Host& host);

// The file system that holds a path, as df shows it to users: what is kept for root counts as used.
struct DiskSpace {
  std::int64_t free_bytes = 0;
  double used_ratio = 0;  // 0-1
};
[[nodiscard]] std::optional<DiskSpace> read_disk_space(const std::string& path);

// A battery that runs the machine, not one of a mouse.
[[nodiscard]] bool has_battery(const Host& host);

// The narrowest limits between the calling process's groups and the roots of their hierarchies; absent: none.
struct OwnBounds {
  std::optional<double> cpus;  // of the CPU quota
  std::optional<std::int64_t> memory_bytes;
};
[[nodiscard]] OwnBounds read_own_bounds(const Host& host);

}  // namespace ffrtmp::sys
