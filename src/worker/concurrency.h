#pragma once
// How many attempts run at a time: the configured slots, and one fewer for each attempt that the kernel killed because
// its slot's share of the RAM was too small. A slot comes back after a while without another such kill. Any thread.
#include <chrono>
#include <mutex>

#include "base/clock.h"

namespace ffrtmp::worker {

class Concurrency {
 public:
  static constexpr std::chrono::minutes kRecovery{10};

  explicit Concurrency(int slots) : slots_(slots), now_(slots) {}

  // 1 to the configured slots.
  [[nodiscard]] int slots(BootTime at);
  // An attempt was killed for memory that it was allowed by its slot alone.
  void drop(BootTime at);

 private:
  void recover(BootTime at);

  const int slots_;
  std::mutex mutex_;
  int now_;
  BootTime changed_{};
};

}  // namespace ffrtmp::worker
