#include "model/job_fsm.h"

#include <array>
#include <cstdint>

#include "base/text.h"

namespace ffrtmp::model {
namespace {

using S = JobState;

constexpr std::uint16_t set() { return 0; }
template <class... Rest>
constexpr std::uint16_t set(S first, Rest... rest) {
  return static_cast<std::uint16_t>((1U << static_cast<unsigned>(first)) | set(rest...));
}
constexpr bool has(std::uint16_t states, S state) { return (states >> static_cast<unsigned>(state) & 1U) != 0; }

constexpr std::uint16_t kLive = set(S::kAssigned, S::kRunning, S::kPaused);

struct Rule {
  Event event;
  std::uint16_t from;
  S to;
};
constexpr std::array kRules{
    Rule{Event::kClaim, set(S::kQueued), S::kAssigned},
    Rule{Event::kFirstProgress, set(S::kAssigned), S::kRunning},
    Rule{Event::kPause, set(S::kQueued, S::kRunning), S::kPaused},
    Rule{Event::kResume, set(S::kPaused), S::kRunning},
    Rule{Event::kResumeQueued, set(S::kPaused), S::kQueued},
    Rule{Event::kCancel, static_cast<std::uint16_t>(kLive | set(S::kQueued, S::kRetrying)), S::kCanceled},
    Rule{Event::kRelease, kLive, S::kQueued},
    Rule{Event::kLeaseLost, kLive, S::kQueued},
    Rule{Event::kComplete, set(S::kRunning, S::kPaused), S::kCompleted},
    Rule{Event::kFail, kLive, S::kFailed},
    Rule{Event::kTimeOut, kLive, S::kTimedOut},
    Rule{Event::kRetryLater, kLive, S::kRetrying},
    Rule{Event::kBackoffOver, set(S::kRetrying), S::kQueued},
    Rule{Event::kReject, set(S::kQueued), S::kRejected},
    Rule{Event::kManualRetry, set(S::kFailed, S::kTimedOut, S::kCanceled), S::kQueued},
    Rule{Event::kOperatorRetry, set(S::kFailed, S::kTimedOut, S::kCanceled, S::kRejected), S::kQueued},
};

constexpr std::array<std::string_view, 10> kNames{"queued",    "assigned", "running",   "paused",   "retrying",
                                                  "completed", "failed",   "timed_out", "canceled", "rejected"};
constexpr std::array<std::string_view, 16> kEventNames{
    "claim",   "progress", "pause", "resume",      "resume",  "cancel", "release", "lose its lease",
    "complete", "fail",    "time out", "be retried", "be queued again", "reject", "retry", "retry"};

}  // namespace

Result<JobState> step(JobState from, Event event) {
  for (const Rule& rule : kRules)
    if (rule.event == event && has(rule.from, from)) return rule.to;
  return make_error(Errc::kIllegalTransition,
                    cat("a ", state_name(from), " job cannot ", kEventNames[static_cast<std::size_t>(event)]));
}

bool is_legal(std::optional<JobState> from, JobState to) {
  if (!from) return to == S::kQueued;
  for (const Rule& rule : kRules)
    if (has(rule.from, *from) && rule.to == to) return true;
  return false;
}

std::string_view state_name(JobState state) { return kNames[static_cast<std::size_t>(state)]; }

}  // namespace ffrtmp::model
