#pragma once
// Waits for a fact instead of a time.
#include <chrono>
#include <cstdlib>
#include <functional>
#include <thread>

namespace ffrtmp::test {

// How many times longer than elsewhere things take here: FFRTMP_TEST_SLOWNESS, of an emulated machine.
[[nodiscard]] inline int slowness() {
  const char* told = std::getenv("FFRTMP_TEST_SLOWNESS");
  const int times = told == nullptr ? 1 : std::atoi(told);
  return times > 0 ? times : 1;
}

// Polls until `true_now` holds; false after `patience`, which is longer where all is slower.
[[nodiscard]] inline bool eventually(const std::function<bool()>& true_now,
                                     std::chrono::milliseconds patience = std::chrono::seconds(10)) {
  const auto until = std::chrono::steady_clock::now() + patience * slowness();
  while (!true_now()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace ffrtmp::test
