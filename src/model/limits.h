#pragma once
// Limits that a job asks for. "No limit" is absent. Written into the kernel by sys/cgroup.h.
#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>

namespace ffrtmp::model {

struct ResourceLimits {
  std::optional<int> max_cpu_percent;         // of one CPU, 1-100000
  std::optional<std::int64_t> max_memory_mb;  // MiB, at least 16
  std::optional<std::int64_t> max_disk_mb;    // MiB of scratch and output; 5000 when absent
  std::optional<std::int64_t> timeout_sec;    // wall seconds, pauses not counted
  std::optional<int> cpu_weight;              // 1-10000
  std::optional<std::int64_t> pids_max;
  std::optional<std::string> io_max;
  bool operator==(const ResourceLimits&) const = default;
};
BOOST_DESCRIBE_STRUCT(ResourceLimits, (),
                      (max_cpu_percent, max_memory_mb, max_disk_mb, timeout_sec, cpu_weight, pids_max, io_max))

}  // namespace ffrtmp::model
