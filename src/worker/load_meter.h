#pragma once
// How busy the machine of a worker is: for its heartbeats and its metrics.
#include <mutex>
#include <optional>
#include <string>

#include "api/wire.h"
#include "base/clock.h"
#include "sys/host.h"
#include "sys/machine_load.h"

namespace ffrtmp::worker {

class LoadMeter {
 public:
  LoadMeter(sys::Host host, std::string work_dir);

  // Fills load, CPU, memory and disk of a heartbeat; what cannot be read stays absent.
  void measure(api::HeartbeatRequest& request);
  // Percent of all CPUs over the last second or more; absent before there are two readings.
  [[nodiscard]] std::optional<double> cpu_percent();
  // RAM in use, what the kernel could free at once not counted.
  [[nodiscard]] std::optional<std::int64_t> used_memory_bytes() const;
  // Of the file system of the work directory, as df shows it to users, 0-1.
  [[nodiscard]] std::optional<double> used_disk_ratio() const;

 private:
  const sys::Host host_;
  const std::string work_dir_;
  const std::optional<std::int64_t> own_memory_bytes_;  // what this process may have of the RAM
  std::mutex mutex_;
  std::optional<sys::CpuTimes> before_;
  BootTime read_at_{};
  std::optional<double> cpu_percent_;
};

}  // namespace ffrtmp::worker
