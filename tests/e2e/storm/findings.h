#pragma once
// What the judges of a storm complain of, from any thread. Each complaint fails the test and says in which round it
// came.
#include <gtest/gtest.h>

#include <atomic>
#include <string>

namespace ffrtmp::test {

class Findings {
 public:
  void set_round(int round) { round_ = round; }
  void add(const std::string& what) { ADD_FAILURE() << "round " << round_ << ": " << what; }

 private:
  std::atomic<int> round_{0};
};

}  // namespace ffrtmp::test
