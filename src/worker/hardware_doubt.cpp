#include "worker/hardware_doubt.h"

namespace ffrtmp::worker {
namespace {

constexpr int kFailures = 2;

}  // namespace

void HardwareDoubt::note(bool worked) {
  const std::lock_guard lock(mutex_);
  failures_in_a_row_ = worked ? 0 : failures_in_a_row_ + 1;
}

bool HardwareDoubt::take() {
  const std::lock_guard lock(mutex_);
  if (failures_in_a_row_ < kFailures) return false;
  failures_in_a_row_ = 0;
  return true;
}

}  // namespace ffrtmp::worker
