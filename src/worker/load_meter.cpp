#include "worker/load_meter.h"

#include <sys/statvfs.h>

#include <cstdlib>

namespace ffrtmp::worker {
namespace {

// Several askers share a reading: over a shorter time it is noise.
constexpr std::chrono::seconds kReadingTime{1};

}  // namespace

LoadMeter::LoadMeter(sys::Host host, std::string work_dir) : host_(std::move(host)), work_dir_(std::move(work_dir)) {
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

std::optional<double> LoadMeter::used_disk_ratio() const { return sys::used_disk_ratio(work_dir_); }

void LoadMeter::measure(api::HeartbeatRequest& request) {
  double loads[1];
  if (getloadavg(loads, 1) == 1) request.load1 = loads[0];
  request.cpu_percent = cpu_percent();
  if (const auto sizes = sys::read_memory_sizes(host_)) request.ram_free_bytes = sizes->available_bytes;
  struct statvfs disk {};
  if (statvfs(work_dir_.c_str(), &disk) == 0)
    request.disk_free_bytes = static_cast<std::int64_t>(disk.f_bavail) * static_cast<std::int64_t>(disk.f_frsize);
}

}  // namespace ffrtmp::worker
