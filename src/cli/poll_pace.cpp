#include "cli/poll_pace.h"

#include <algorithm>

namespace ffrtmp::cli {
namespace {

constexpr std::chrono::milliseconds kShortestPause{30};
constexpr std::chrono::milliseconds kLongestPause{400};
constexpr int kPausesOfAPhase = 100;

}  // namespace

std::chrono::milliseconds PollPace::pause(Time now, std::optional<model::Phase> phase) {
  if (!begun_ || phase != phase_) {
    begun_ = now;
    phase_ = phase;
  }
  const auto taken = std::chrono::duration_cast<std::chrono::milliseconds>(now - *begun_);
  return std::clamp(taken / kPausesOfAPhase, kShortestPause, kLongestPause);
}

}  // namespace ffrtmp::cli
