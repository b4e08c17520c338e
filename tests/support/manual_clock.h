#pragma once
// A clock that only the test moves, and ids that repeat with the seed.
#include <mutex>
#include <random>

#include "base/clock.h"
#include "base/ids.h"

namespace ffrtmp::test {

class ManualClock final : public Clock {
 public:
  [[nodiscard]] Now now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  void advance(std::chrono::nanoseconds by) {
    const std::lock_guard lock(mutex_);
    now_.boot += by;
    now_.utc += std::chrono::duration_cast<std::chrono::microseconds>(by);
  }

 private:
  mutable std::mutex mutex_;
  Now now_{UtcTime(std::chrono::sys_days(std::chrono::year(2026) / 1 / 7)), BootTime(std::chrono::hours(1))};
};

class SeededIds final : public IdSource {
 public:
  explicit SeededIds(std::uint64_t seed = 1) : random_(seed) {}
  [[nodiscard]] Uuid next(UtcTime now) override {
    const std::lock_guard lock(mutex_);
    std::array<std::uint8_t, 10> bytes{};
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random_());
    return make_uuid7(now, bytes);
  }

 private:
  std::mutex mutex_;
  std::mt19937_64 random_;
};

}  // namespace ffrtmp::test
