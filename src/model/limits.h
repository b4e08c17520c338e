#pragma once
// Limits that a job asks for, and limits that a process is put under. "No limit" is absent. Written into the kernel by
// govern/attacher.h.
#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ffrtmp::model {

struct ResourceLimits {
  std::optional<int> max_cpu_percent;         // of one CPU, 1-100000
  std::optional<std::int64_t> max_memory_mb;  // MiB, at least 16
  std::optional<std::int64_t> max_disk_mb;    // MiB of scratch and output; 5000 when absent
  std::optional<std::int64_t> timeout_sec;    // wall seconds, pauses not counted
  std::optional<int> cpu_weight;              // 1-10000
  std::optional<std::int64_t> pids_max;
  std::optional<std::string> io_max;  // a line of io.max, see parse_io_max
  bool operator==(const ResourceLimits&) const = default;
};
BOOST_DESCRIBE_STRUCT(ResourceLimits, (),
                      (max_cpu_percent, max_memory_mb, max_disk_mb, timeout_sec, cpu_weight, pids_max, io_max))

// CPU bandwidth as the kernel takes it, for who needs another period than 100 ms.
struct CpuMax {
  std::int64_t quota_us = 0;
  std::int64_t period_us = 100000;
  bool operator==(const CpuMax&) const = default;
};
BOOST_DESCRIBE_STRUCT(CpuMax, (), (quota_us, period_us))

// Throughput of one block device.
struct DeviceLimit {
  std::string device;  // "MAJ:MIN"
  std::optional<std::int64_t> read_bps;
  std::optional<std::int64_t> write_bps;
  std::optional<std::int64_t> read_iops;
  std::optional<std::int64_t> write_iops;
  bool operator==(const DeviceLimit&) const = default;
};
BOOST_DESCRIBE_STRUCT(DeviceLimit, (), (device, read_bps, write_bps, read_iops, write_iops))

// What governance may put on a process. An absent member is left as it is; none means 0 or "max".
struct Limits {
  std::optional<int> cpu_quota_percent;  // of one CPU, 1-100000
  std::optional<CpuMax> cpu_max;         // instead of cpu_quota_percent, never beside it
  std::optional<int> cpu_weight;         // 1-10000, the kernel's default is 100
  std::optional<int> io_weight;          // 1-10000
  std::optional<std::int64_t> memory_limit_bytes;
  std::optional<std::int64_t> memory_high_bytes;  // at most memory_limit_bytes
  std::optional<std::int64_t> memory_swap_bytes;  // swap beside memory_limit_bytes; 0: none
  std::optional<std::int64_t> io_read_bps;        // on each disk
  std::optional<std::int64_t> io_write_bps;
  std::vector<DeviceLimit> io_max;       // for the named devices, before the two above
  std::optional<std::int64_t> pids_max;  // 1-4194304
  std::optional<int> nice;               // -20..19
  std::optional<int> oom_score_adj;      // -1000..1000
  bool operator==(const Limits&) const = default;

  // Whether any of them needs a cgroup; without one no process is moved.
  [[nodiscard]] bool need_cgroup() const {
    return cpu_quota_percent || cpu_max || cpu_weight || io_weight || memory_limit_bytes || memory_high_bytes ||
           memory_swap_bytes || io_read_bps || io_write_bps || !io_max.empty() || pids_max;
  }
  [[nodiscard]] bool any() const { return need_cgroup() || nice || oom_score_adj; }
};
BOOST_DESCRIBE_STRUCT(Limits, (),
                      (cpu_quota_percent, cpu_max, cpu_weight, io_weight, memory_limit_bytes, memory_high_bytes,
                       memory_swap_bytes, io_read_bps, io_write_bps, io_max, pids_max, nice, oom_score_adj))

// A line of cgroup v2 io.max: "8:0 rbps=1048576 wiops=max", in any order, max or absent for none.
[[nodiscard]] Result<DeviceLimit> parse_io_max(std::string_view text);

}  // namespace ffrtmp::model
