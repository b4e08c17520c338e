// The end of an attempt by its own result.
#include "model/retry_policy.h"
#include "store/attempt_end.h"
#include "store/rules.h"

namespace ffrtmp::store {
namespace {

using model::Event;
using model::ResultStatus;

model::AttemptState attempt_state(ResultStatus status) {
  switch (status) {
    case ResultStatus::kCompleted:
      return model::AttemptState::kCompleted;
    case ResultStatus::kCanceled:
      return model::AttemptState::kCanceled;
    case ResultStatus::kTimedOut:
      return model::AttemptState::kTimedOut;
    case ResultStatus::kFailed:
      break;
  }
  return model::AttemptState::kFailed;
}

model::FailureReason reason_of(const model::AttemptResult& result) {
  if (result.status == ResultStatus::kTimedOut) return model::FailureReason::kTimeout;
  return result.failure_reason.value_or(model::FailureReason::kUnknown);
}

Status fail(JobChange& change, const ApplyContext& context, const model::Attempt& attempt,
            const model::AttemptResult& result) {
  const model::FailureReason reason = reason_of(result);
  const bool timed_out = reason == model::FailureReason::kTimeout;
  const bool own_timeout = timed_out && result.timeout_cause == model::TimeoutCause::kTimeoutSec;
  const model::RetryPlan plan = model::decide_retry(reason, own_timeout, change.now().retry_count,
                                                    change.before().spec.max_retries, context.jitter);
  const bool again = plan.again && may_start_again(change.now());
  const Event event = again ? Event::kRetryLater : timed_out ? Event::kTimeOut : Event::kFail;
  const std::string why = again ? "attempt failed, retry later" : timed_out ? "attempt timed out" : "attempt failed";
  FFRTMP_TRY(change.step(event, by_node(why, attempt.node_id, attempt.id)));
  model::JobStatus& now = change.now();
  now.failure_reason = reason;
  now.error = result.error.value_or("");
  if (!again) return {};
  ++now.retry_count;
  now.next_retry_at = context.now.utc + plan.delay;
  now.avoid_node_id = attempt.node_id;
  return {};
}

Status cancel(JobChange& change, const model::Attempt& attempt) {
  const model::JobStatus& now = change.now();
  Cause cause = by_node("canceled", attempt.node_id, attempt.id);
  if (now.desired == model::Desired::kCanceled) cause = Cause{now.desired_reason, now.desired_actor, attempt.id};
  return change.step(Event::kCancel, std::move(cause));
}

Status complete(JobChange& change, const model::Attempt& attempt) {
  FFRTMP_TRY(change.step(Event::kComplete, by_node("completed", attempt.node_id, attempt.id)));
  change.now().avoid_node_id.reset();
  return {};
}

// The job after the result: an earlier completion wins over a wanted cancel, a wanted cancel over a retry.
Status end_job(JobChange& change, const ApplyContext& context, const model::Attempt& attempt,
               const model::AttemptResult& result) {
  if (result.status == ResultStatus::kCompleted) return complete(change, attempt);
  const bool wanted = change.now().desired == model::Desired::kCanceled;
  if (wanted || result.status == ResultStatus::kCanceled) return cancel(change, attempt);
  return fail(change, context, attempt, result);
}

// The answer to a result of an attempt that has ended, or the reason why there is none.
Result<Reply> answer_again(const model::Attempt& attempt, const Finish& finish) {
  if (attempt.node_id != finish.node_id) return make_error(Errc::kForbidden, "the attempt belongs to another node");
  if (!attempt.result) return make_error(Errc::kStaleAttempt, "the attempt has ended");
  if (attempt.result->result_id != finish.result.result_id)
    return make_error(Errc::kResultConflict, "another result was stored for this attempt");
  return Reply(Finish::Reply{attempt.reply_status.value_or(model::JobState::kQueued), attempt.reply_retry_at});
}

}  // namespace

Result<Reply> apply_finish(Tx& tx, ApplyContext& context, const Finish& finish) {
  if (context.live.attempt(finish.attempt_id) == nullptr) {
    FFRTMP_ASSIGN(const auto ended, tx.find_attempt(finish.attempt_id));
    if (ended) return answer_again(*ended, finish);
  }
  FFRTMP_TRY(find_current(tx, context, finish.attempt_id, finish.node_id));
  FFRTMP_ASSIGN(model::Attempt attempt, row_of(tx, context, finish.attempt_id));
  FFRTMP_ASSIGN(JobPtr job, job_of(tx, attempt.job_sequence));
  JobChange change(std::move(job), context.now);
  change.set_result(finish.result);
  if (change.now().status == model::JobState::kAssigned) {
    FFRTMP_TRY(change.step(Event::kFirstProgress, by_node("result", attempt.node_id, attempt.id)));
    attempt.started_at = context.now.utc;
  }
  FFRTMP_TRY(end_job(change, context, attempt, finish.result));
  attempt.result = finish.result;
  attempt.reply_status = change.now().status;
  attempt.reply_retry_at = change.now().next_retry_at;
  FFRTMP_TRY(close_attempt(tx, context, attempt, attempt_state(finish.result.status)));
  FFRTMP_TRY(change.write(tx, context));
  return Reply(Finish::Reply{change.now().status, change.now().next_retry_at});
}

}  // namespace ffrtmp::store
