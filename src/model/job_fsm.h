#pragma once
// The one table of legal job states. Everything that changes a job asks step().
//
//                 ┌────────────── release, lease lost ───────────────┐
//   (new) ──> queued ──claim──> assigned ──first progress──> running ─┤
//               │ ^                │                           │ ^    │
//               │ └─resume/backoff─┼── paused <──pause─────────┘ │    │
//               │                  │     └────resume─────────────┘    │
//               │                  └──> retrying ──backoff──> queued ─┘
//               └──> canceled, rejected      live ──> completed failed timed_out canceled retrying
//   failed, timed_out, canceled ──manual retry──> queued;   rejected ──operator's retry──> queued
#include <optional>
#include <string_view>

#include "base/result.h"
#include "model/job.h"

namespace ffrtmp::model {

enum class Event : std::uint8_t {
  kClaim,          // queued -> assigned
  kFirstProgress,  // assigned -> running
  kPause,          // queued -> paused; running -> paused (acknowledged)
  kResume,         // paused -> running (acknowledged) with a live attempt, else -> queued
  kResumeQueued,   // paused without attempt -> queued
  kCancel,         // any not ended state -> canceled
  kRelease,        // live -> queued, no retry counted
  kLeaseLost,      // live -> queued, counted, no backoff
  kComplete,       // running, paused -> completed
  kFail,           // live -> failed
  kTimeOut,        // live -> timed_out
  kRetryLater,     // live -> retrying
  kBackoffOver,    // retrying -> queued
  kReject,         // queued -> rejected
  kManualRetry,    // failed, timed_out, canceled -> queued
  kOperatorRetry,  // as kManualRetry, and rejected -> queued
};

// The state after `event`, or kIllegalTransition naming both.
[[nodiscard]] Result<JobState> step(JobState from, Event event);
// Whether the contract's table allows the pair at all; `from` absent = new.
[[nodiscard]] bool is_legal(std::optional<JobState> from, JobState to);
[[nodiscard]] std::string_view state_name(JobState state);

}  // namespace ffrtmp::model
