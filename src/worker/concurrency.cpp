#include "worker/concurrency.h"

#include <algorithm>

namespace ffrtmp::worker {

void Concurrency::recover(BootTime at) {
  while (now_ < slots_ && at - changed_ >= kRecovery) {
    ++now_;
    changed_ += kRecovery;
  }
}

int Concurrency::slots(BootTime at) {
  const std::lock_guard lock(mutex_);
  recover(at);
  return now_;
}

void Concurrency::drop(BootTime at) {
  const std::lock_guard lock(mutex_);
  recover(at);
  now_ = std::max(1, now_ - 1);
  changed_ = at;
}

}  // namespace ffrtmp::worker
