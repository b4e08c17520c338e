#pragma once
// SIGINT, SIGTERM and SIGHUP as something to wait for beside a process.
#include <chrono>
#include <optional>

#include "base/result.h"
#include "sys/fd.h"

namespace ffrtmp::launch {

// Blocks the three in this process from now on; a program started with sys::spawn gets them unblocked.
class StopSignals {
 public:
  [[nodiscard]] static Result<StopSignals> take();

  enum class Event { kEnded, kSignal, kTimeout };
  struct Wake {
    Event event = Event::kTimeout;
    int signal = 0;
  };
  // Until the process of `pidfd` ends, a signal comes, or `wait` has passed; absent: for ever.
  [[nodiscard]] Wake wait(const sys::Fd& pidfd, std::optional<std::chrono::milliseconds> wait) const;

 private:
  explicit StopSignals(sys::Fd fd) : fd_(std::move(fd)) {}
  sys::Fd fd_;
};

}  // namespace ffrtmp::launch
