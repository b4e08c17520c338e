#pragma once
// Counts processes and groups of a storm by what /proc and the cgroup file system show, not by what ffrtmp says.
#include <atomic>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/storm/findings.h"

namespace ffrtmp::test {

// Processes with `dir` in their command line or environment, or in the cgroup `group` (empty: none), in words.
[[nodiscard]] std::vector<std::string> living(const std::string& dir, const std::string& group);

// Groups of single attempts below `group`.
[[nodiscard]] std::vector<std::string> attempt_groups(const std::string& group);

// Samples all the time: no two attempts ever run for one output at once. One that stands frozen does not run.
class DoubleWatch {
 public:
  DoubleWatch(std::string group, Findings& findings);
  ~DoubleWatch();
  DoubleWatch(const DoubleWatch&) = delete;
  DoubleWatch& operator=(const DoubleWatch&) = delete;
  [[nodiscard]] int samples() const { return samples_; }
  [[nodiscard]] int attempts_seen() const { return attempts_seen_; }

 private:
  void loop();
  // Output -> attempts that run for it now.
  std::map<std::string, std::set<std::string>> running();

  std::string group_;
  Findings& findings_;
  std::set<std::string> seen_;  // of the thread
  std::atomic<int> attempts_seen_{0};
  std::set<std::string> told_;
  std::atomic<int> samples_{0};
  std::atomic<bool> done_{false};
  std::thread thread_;
};

}  // namespace ffrtmp::test
