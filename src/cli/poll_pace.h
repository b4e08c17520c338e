#pragma once
// How often a job that is waited for is asked about.
#include <chrono>
#include <optional>

#include "model/job.h"

namespace ffrtmp::cli {

class PollPace {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // How long to wait from `now`, when the job was seen in `phase`. A change is seen late by at most a hundredth of what
  // the present phase has taken so far, between 30 and 400 ms: the verification is short, and its end is the job's.
  [[nodiscard]] std::chrono::milliseconds pause(Time now, std::optional<model::Phase> phase);

 private:
  std::optional<Time> begun_;  // of the phase, as it was seen
  std::optional<model::Phase> phase_;
};

}  // namespace ffrtmp::cli
