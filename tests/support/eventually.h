#pragma once
// Waits for a fact instead of a time.
#include <chrono>
#include <functional>
#include <thread>

namespace ffrtmp::test {

// Polls until `true_now` holds; false after `patience`.
[[nodiscard]] inline bool eventually(const std::function<bool()>& true_now,
                                     std::chrono::milliseconds patience = std::chrono::seconds(10)) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!true_now()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace ffrtmp::test
