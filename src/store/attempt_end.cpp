#include "store/attempt_end.h"

#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "model/retry_policy.h"

namespace ffrtmp::store {

Result<const LiveAttempt*> find_current(Tx& tx, ApplyContext& context, const Uuid& attempt_id, const Uuid& node_id) {
  const auto forbidden = [] { return make_error(Errc::kForbidden, "the attempt belongs to another node"); };
  const auto stale = [](std::string_view why) { return make_error(Errc::kStaleAttempt, cat("the attempt ", why)); };
  const LiveAttempt* live = context.live.attempt(attempt_id);
  if (live == nullptr) {
    FFRTMP_ASSIGN(const auto row, tx.find_attempt(attempt_id));
    if (!row) return make_error(Errc::kNotFound, cat("no attempt ", attempt_id.str()));
    if (row->node_id != node_id) return forbidden();
    return stale("has ended");
  }
  if (live->node_id != node_id) return forbidden();
  if (live->lease_expires <= context.now.boot) return stale("has lost its lease");
  return live;
}

LiveAttempt live_of(const model::Attempt& attempt, const ApplyContext& context) {
  LiveAttempt live;
  live.job_sequence = attempt.job_sequence;
  live.number = attempt.number;
  live.node_id = attempt.node_id;
  live.lease_expires = context.now.boot + context.settings.intervals.lease;
  live.session_device = attempt.session_device;
  return live;
}

void renew(ApplyContext& context, const Uuid& attempt_id) {
  const LiveAttempt* live = context.live.attempt(attempt_id);
  if (live == nullptr) return;
  LiveAttempt renewed = *live;
  renewed.lease_expires = context.now.boot + context.settings.intervals.lease;
  context.live.put_attempt(attempt_id, std::move(renewed));
}

std::chrono::milliseconds lease_left(const ApplyContext& context, const Uuid& attempt_id) {
  const LiveAttempt* live = context.live.attempt(attempt_id);
  if (live == nullptr || live->lease_expires <= context.now.boot) return std::chrono::milliseconds(0);
  return std::chrono::floor<std::chrono::milliseconds>(live->lease_expires - context.now.boot);
}

Result<JobPtr> job_of(Tx& tx, std::int64_t sequence) {
  FFRTMP_ASSIGN(auto job, tx.find_job(JobRef(sequence)));
  if (!job) return make_error(Errc::kInternal, cat("job ", sequence, " of a live attempt has no row"));
  return job;
}

Result<JobPtr> readable_job(Tx& tx, std::int64_t sequence) {
  auto job = tx.find_job(JobRef(sequence));
  if (job || job.error().code != Errc::kCorrupt) return job;
  FFRTMP_TRY(set_aside(tx, sequence, job.error()));
  return JobPtr();
}

Status set_aside(Tx& tx, std::int64_t sequence, const Error& damage) {
  log::error("a damaged job is set aside", {{"job", cat(sequence)}, {"reason", damage.message}});
  return tx.set_aside(sequence);
}

Result<model::Attempt> row_of(Tx& tx, const ApplyContext& context, const Uuid& attempt_id) {
  auto row = tx.find_attempt(attempt_id);
  if (!row && row.error().code != Errc::kCorrupt) return std::move(row).error();
  if (row && *row) return **std::move(row);
  const std::string reason = row ? "it is gone" : row.error().message;
  const LiveAttempt* live = context.live.attempt(attempt_id);
  if (live == nullptr) return make_error(Errc::kInternal, cat("attempt ", attempt_id.str(), " has no row: ", reason));
  log::error("an attempt goes on without its row", {{"attempt", attempt_id.str()}, {"reason", reason}});
  model::Attempt attempt;
  attempt.id = attempt_id;
  attempt.job_sequence = live->job_sequence;
  attempt.number = live->number;
  attempt.node_id = live->node_id;
  attempt.session_device = live->session_device;
  return attempt;
}

Status close_attempt(Tx& tx, ApplyContext& context, model::Attempt& attempt, model::AttemptState state) {
  attempt.state = state;
  attempt.ended_at = context.now.utc;
  FFRTMP_TRY(tx.update_attempt(attempt));
  const LiveAttempt* live = context.live.attempt(attempt.id);
  if (live != nullptr && live->progress) FFRTMP_TRY(tx.put_progress(attempt.job_sequence, *live->progress));
  context.live.drop_attempt(attempt.id);
  return {};
}

bool may_start_again(const model::JobStatus& job) {
  return job.attempt_count - job.attempts_before_retry < model::kMaxAttempts;
}

bool may_retry(const model::JobSpec& spec, const model::JobStatus& job) {
  return job.retry_count < std::min(spec.max_retries, model::kMaxAttempts - 1) && may_start_again(job);
}

namespace {

Status lose(Tx& tx, ApplyContext& context, const Uuid& attempt_id, const Cause& cause) {
  FFRTMP_ASSIGN(model::Attempt attempt, row_of(tx, context, attempt_id));
  FFRTMP_ASSIGN(JobPtr job, job_of(tx, attempt.job_sequence));
  JobChange change(std::move(job), context.now);
  if (change.now().desired == model::Desired::kCanceled) {
    FFRTMP_TRY(change.step(model::Event::kCancel, cause));
  } else if (may_retry(change.before().spec, change.now())) {
    FFRTMP_TRY(change.step(model::Event::kLeaseLost, cause));
    ++change.now().retry_count;
    change.now().avoid_node_id = attempt.node_id;
  } else {
    FFRTMP_TRY(change.step(model::Event::kFail, cause));
    change.now().failure_reason = model::FailureReason::kPlatformError;
    change.now().error = "node or lease lost";
  }
  FFRTMP_TRY(close_attempt(tx, context, attempt, model::AttemptState::kLost));
  return change.write(tx, context);
}

}  // namespace

Status lose_attempt(Tx& tx, ApplyContext& context, const Uuid& attempt_id, const Cause& cause) {
  Status lost = lose(tx, context, attempt_id, cause);
  if (lost || lost.error().code == Errc::kStoreUnavailable) return lost;
  // Rows that contradict the table (all of that is found before the first write) must not stop the other attempts.
  log::error("attempt forgotten", {{"attempt", attempt_id.str()}, {"reason", lost.error().message}});
  context.live.drop_attempt(attempt_id);
  return {};
}

}  // namespace ffrtmp::store
