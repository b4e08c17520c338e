#pragma once
// What the judges of a storm complain of, from any thread.
#include <atomic>
#include <iostream>
#include <mutex>
#include <string>
#include <vector>

#include "base/text.h"

namespace ffrtmp::test {

class Findings {
 public:
  void set_round(int round) { round_ = round; }
  void add(const std::string& what) {
    const std::lock_guard lock(mutex_);
    all_.push_back(cat("round ", round_.load(), ": ", what));
    std::cout << "finding: " << all_.back() << std::endl;
  }
  [[nodiscard]] std::vector<std::string> all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }

 private:
  std::atomic<int> round_{0};
  mutable std::mutex mutex_;
  std::vector<std::string> all_;
};

}  // namespace ffrtmp::test
