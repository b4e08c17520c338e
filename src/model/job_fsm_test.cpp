#include "model/job_fsm.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace ffrtmp::model {
namespace {

using S = JobState;

constexpr S kStates[] = {S::kQueued,    S::kAssigned, S::kRunning,  S::kPaused,   S::kRetrying,
                         S::kCompleted, S::kFailed,   S::kTimedOut, S::kCanceled, S::kRejected};
constexpr Event kEvents[] = {Event::kClaim,        Event::kFirstProgress, Event::kPause,       Event::kResume,
                             Event::kResumeQueued, Event::kCancel,        Event::kRelease,     Event::kLeaseLost,
                             Event::kComplete,     Event::kFail,          Event::kTimeOut,     Event::kRetryLater,
                             Event::kBackoffOver,  Event::kReject,        Event::kManualRetry, Event::kOperatorRetry};

// The contract's table of states (2.3), typed off it.
const std::map<S, std::set<S>> kContract{
    {S::kQueued, {S::kAssigned, S::kPaused, S::kCanceled, S::kRejected}},
    {S::kAssigned, {S::kRunning, S::kQueued, S::kRetrying, S::kFailed, S::kTimedOut, S::kCanceled}},
    {S::kRunning, {S::kCompleted, S::kFailed, S::kTimedOut, S::kRetrying, S::kPaused, S::kCanceled, S::kQueued}},
    {S::kPaused, {S::kRunning, S::kQueued, S::kCompleted, S::kFailed, S::kTimedOut, S::kRetrying, S::kCanceled}},
    {S::kRetrying, {S::kQueued, S::kCanceled}},
    {S::kFailed, {S::kQueued}},
    {S::kTimedOut, {S::kQueued}},
    {S::kCanceled, {S::kQueued}},
    {S::kCompleted, {}},
    {S::kRejected, {S::kQueued}},  // an operator's retry only (10b)
};

// contract: F16
TEST(JobFsm, EveryPairIsLegalExactlyWhenTheContractSaysSo) {
  for (const S from : kStates)
    for (const S to : kStates)
      EXPECT_EQ(is_legal(from, to), kContract.at(from).contains(to)) << state_name(from) << " -> " << state_name(to);
}

// contract: F16
TEST(JobFsm, EveryEventLeadsToALegalStateOrIsRefused) {
  std::map<S, std::set<S>> reached;
  for (const S from : kStates)
    for (const Event event : kEvents) {
      const auto to = step(from, event);
      if (to) {
        reached[from].insert(*to);
        EXPECT_TRUE(kContract.at(from).contains(*to)) << state_name(from) << " -> " << state_name(*to);
      } else {
        EXPECT_EQ(to.error().code, Errc::kIllegalTransition);
        EXPECT_NE(to.error().message.find(state_name(from)), std::string::npos);
      }
    }
  reached[S::kCompleted];
  EXPECT_EQ(reached, kContract) << "each pair of the table has an event that makes it";
}

TEST(JobFsm, ANewJobIsQueued) {
  for (const S to : kStates) EXPECT_EQ(is_legal(std::nullopt, to), to == S::kQueued);
}

TEST(JobFsm, OnlyAPersonLeavesAnEnd) {
  for (const S from : {S::kCompleted, S::kFailed, S::kTimedOut, S::kCanceled, S::kRejected})
    for (const Event event : kEvents) {
      const bool by_hand = event == Event::kManualRetry || event == Event::kOperatorRetry;
      if (by_hand) continue;
      EXPECT_FALSE(step(from, event)) << state_name(from);
    }
  EXPECT_FALSE(step(S::kRejected, Event::kManualRetry));
  EXPECT_FALSE(step(S::kCompleted, Event::kOperatorRetry));
}

}  // namespace
}  // namespace ffrtmp::model
