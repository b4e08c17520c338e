// Every state of a job against everything that may happen to it, on every store: what the contract's table allows
// happens and is recorded, all else is refused and changes nothing.
#include <functional>
#include <map>

#include "model/job_fsm.h"
#include "store/store_test_bed.h"

namespace ffrtmp::store {
namespace {

using model::FailureReason;
using model::JobState;
using model::ResultStatus;
using Kind = ControlJob::Kind;
using S = JobState;
using namespace std::chrono_literals;

// A job in a wanted state, with the node and attempt that brought it there.
struct Placed {
  std::int64_t sequence = 0;
  TestNode node;
  Uuid attempt;
};

class StoreTransitions : public StoreBed {
 protected:
  Placed place(S state) {
    Placed p;
    Submit command = a_job();
    command.job.spec.max_retries = state == S::kTimedOut ? 0 : 3;
    p.node = add_node();
    p.sequence = submit(command).sequence_number;
    if (state == S::kQueued) return p;
    p.attempt = claim_one(p.node);
    if (state == S::kAssigned) return p;
    progress(p.node, p.attempt, 1);
    if (state == S::kPaused) {
      EXPECT_TRUE(control(p.sequence, Kind::kPause));
      progress(p.node, p.attempt, 2, {p.attempt.str() + "/1"});
    }
    if (state == S::kRetrying) finish(p.node, p.attempt, ResultStatus::kFailed, FailureReason::kUnknown);
    if (state == S::kCompleted) finish(p.node, p.attempt, ResultStatus::kCompleted);
    if (state == S::kFailed) finish(p.node, p.attempt, ResultStatus::kFailed, FailureReason::kInputError);
    if (state == S::kTimedOut) finish(p.node, p.attempt, ResultStatus::kTimedOut);
    if (state == S::kCanceled) finish(p.node, p.attempt, ResultStatus::kCanceled);
    EXPECT_EQ(status(p.sequence), state) << model::state_name(state);
    return p;
  }
};
FFRTMP_TEST_ALL_STORES(StoreTransitions);

// Where each happening leads from each state; absent: refused, or nothing happens.
struct Happening {
  const char* name;
  std::map<S, S> leads;
};

const std::vector<Happening>& happenings() {
  static const std::vector<Happening> all{
      {"claim", {{S::kQueued, S::kAssigned}}},
      {"progress", {{S::kAssigned, S::kRunning}}},
      {"completed", {{S::kAssigned, S::kCompleted}, {S::kRunning, S::kCompleted}, {S::kPaused, S::kCompleted}}},
      {"input_error", {{S::kAssigned, S::kFailed}, {S::kRunning, S::kFailed}, {S::kPaused, S::kFailed}}},
      {"unknown", {{S::kAssigned, S::kRetrying}, {S::kRunning, S::kRetrying}, {S::kPaused, S::kRetrying}}},
      {"canceled", {{S::kAssigned, S::kCanceled}, {S::kRunning, S::kCanceled}, {S::kPaused, S::kCanceled}}},
      {"release", {{S::kAssigned, S::kQueued}, {S::kRunning, S::kQueued}, {S::kPaused, S::kQueued}}},
      {"lease",
       {{S::kAssigned, S::kQueued}, {S::kRunning, S::kQueued}, {S::kPaused, S::kQueued}, {S::kRetrying, S::kQueued}}},
      {"cancel", {{S::kQueued, S::kCanceled}, {S::kRetrying, S::kCanceled}}},
      {"pause", {{S::kQueued, S::kPaused}}},
      {"resume", {}},
      {"retry", {{S::kFailed, S::kQueued}, {S::kTimedOut, S::kQueued}, {S::kCanceled, S::kQueued}}},
  };
  return all;
}

// contract: F16
TEST_P(StoreTransitions, EveryStateAgainstEveryHappening) {
  const std::map<std::string, std::function<void(const Placed&)>> act{
      {"claim", [&](const Placed& p) { static_cast<void>(try_claim(p.node)); }},
      {"progress", [&](const Placed& p) { static_cast<void>(store->apply_wait(report(p.node, p.attempt, 5))); }},
      {"completed",
       [&](const Placed& p) {
         static_cast<void>(store->apply_wait(a_result(p.node, p.attempt, ResultStatus::kCompleted)));
       }},
      {"input_error",
       [&](const Placed& p) {
         static_cast<void>(
             store->apply_wait(a_result(p.node, p.attempt, ResultStatus::kFailed, FailureReason::kInputError)));
       }},
      {"unknown",
       [&](const Placed& p) {
         static_cast<void>(
             store->apply_wait(a_result(p.node, p.attempt, ResultStatus::kFailed, FailureReason::kUnknown)));
       }},
      {"canceled",
       [&](const Placed& p) {
         static_cast<void>(store->apply_wait(a_result(p.node, p.attempt, ResultStatus::kCanceled)));
       }},
      {"release",
       [&](const Placed& p) {
         static_cast<void>(store->apply_wait(Release{p.attempt, p.node.id, "drain"}));
       }},
      {"lease", [&](const Placed&) { lose_lease(); }},
      {"cancel", [&](const Placed& p) { static_cast<void>(control(p.sequence, Kind::kCancel)); }},
      {"pause", [&](const Placed& p) { static_cast<void>(control(p.sequence, Kind::kPause)); }},
      {"resume", [&](const Placed& p) { static_cast<void>(control(p.sequence, Kind::kResume)); }},
      {"retry", [&](const Placed& p) { static_cast<void>(control(p.sequence, Kind::kRetry)); }},
  };
  for (const S from : {S::kQueued, S::kAssigned, S::kRunning, S::kPaused, S::kRetrying, S::kCompleted, S::kFailed,
                       S::kTimedOut, S::kCanceled}) {
    for (const Happening& happening : happenings()) {
      SCOPED_TRACE(cat(model::state_name(from), ", ", happening.name));
      const Placed placed = place(from);
      const auto before = detail(placed.sequence);
      clock.advance(1ms);
      act.at(happening.name)(placed);
      const auto after = detail(placed.sequence);
      const auto to = happening.leads.find(from);
      EXPECT_EQ(after.view.job.now.status, to == happening.leads.end() ? from : to->second);
      ASSERT_GE(after.transitions.size(), before.transitions.size());
      EXPECT_EQ(after.transitions.size() > before.transitions.size(), to != happening.leads.end()) << "recorded";
      std::optional<S> state;
      for (const model::Transition& t : after.transitions) {
        EXPECT_EQ(t.from, state);
        EXPECT_TRUE(model::is_legal(t.from, t.to));
        EXPECT_FALSE(t.reason.empty());
        EXPECT_FALSE(t.actor.empty());
        state = t.to;
      }
      EXPECT_EQ(state, after.view.job.now.status) << "the last recorded state is the job's";
      EXPECT_TRUE(to == happening.leads.end() || after.transitions.back().timestamp == clock.now().utc);
      if (!model::is_ended(after.view.job.now.status)) static_cast<void>(control(placed.sequence, Kind::kCancel));
      if (model::is_live(after.view.job.now.status)) lose_lease();
    }
  }
}

}  // namespace
}  // namespace ffrtmp::store
