#include "worker/load_meter.h"

#include <algorithm>
#include <cstdlib>

namespace ffrtmp::worker {
namespace {

// Several askers share a reading: over a shorter time it is noise.
constexpr std::chrono::seconds kReadingTime{1};

}  // namespace

LoadMeter::LoadMeter(sys::Host host, std::string work_dir)
    : host_(std::move(host)),
      work_dir_(std::move(work_dir)),
      own_memory_bytes_(sys::read_own_bounds(host_).memory_bytes) {
  (void)cpu_percent();
}

std::optional<double> LoadMeter::cpu_percent() {
  const std::lock_guard lock(mutex_);
  const BootTime now = BootClock::now();
  if (before_ && now - read_at_ < kReadingTime) return cpu_percent_;
  const auto times = sys::read_cpu_times(host_);
  if (!times) return std::nullopt;
  if (before_) cpu_percent_ = sys::busy_percent(*before_, *times);
  before_ = *times;
  read_at_ = now;
  return cpu_percent_;
}

std::optional<std::int64_t> LoadMeter::used_memory_bytes() const {
  const auto sizes = sys::read_memory_sizes(host_);
  if (!sizes) return std::nullopt;
  return sizes->total_bytes - sizes->available_bytes;
}

std::optional<double> LoadMeter::used_disk_ratio() const {
  const auto disk = sys::read_disk_space(work_dir_);
  return disk ? std::optional(disk->used_ratio) : std::nullopt;
}

void LoadMeter::measure(api::HeartbeatRequest& request) {
  double loads[1];
  if (getloadavg(loads, 1) == 1) request.load1 = loads[0];
  request.cpu_percent = cpu_percent();
  if (const auto sizes = sys::read_memory_sizes(host_))
    request.ram_free_bytes = std::min(sizes->available_bytes, own_memory_bytes_.value_or(sizes->available_bytes));
  if (const auto disk = sys::read_disk_space(work_dir_)) request.disk_free_bytes = disk->free_bytes;
}

}  // namespace ffrtmp::worker
