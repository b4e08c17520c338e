#include "metrics/metric.h"

#include <algorithm>

namespace ffrtmp::metrics {

void Histogram::observe(double value) {
  const auto bucket = std::ranges::lower_bound(bounds_, value) - bounds_.begin();
  counts_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

Histogram::Reading Histogram::read() const {
  Reading reading;
  reading.sum = sum_.load(std::memory_order_relaxed);
  std::uint64_t total = 0;
  for (const auto& count : counts_) {
    total += count.load(std::memory_order_relaxed);
    reading.cumulative.push_back(total);
  }
  return reading;
}

}  // namespace ffrtmp::metrics
