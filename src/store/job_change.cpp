#include "store/job_change.h"

#include <algorithm>

#include "base/text.h"
#include "model/sla.h"
#include "sched/queue_key.h"
#include "store/live_table.h"

namespace ffrtmp::store {
namespace {

void forget_desire(model::JobStatus& job) {
  job.desired.reset();
  job.grace_seconds.reset();
  job.desired_actor.clear();
  job.desired_reason.clear();
}

std::int64_t milliseconds_between(UtcTime from, UtcTime to) {
  return std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::milliseconds>(to - from).count());
}

// Time spent in the state that is left.
void count_time(model::JobStatus& job, UtcTime time) {
  const std::int64_t spent = milliseconds_between(job.entered_at, time);
  if (job.status == model::JobState::kQueued) job.queued_ms += spent;
  if (job.status == model::JobState::kPaused) job.paused_ms += spent;
  job.entered_at = time;
}

// What comes with a state besides its name. A retry erases no time: times are only ever written over by later ones.
void enter(model::JobStatus& job, model::JobState to, UtcTime time) {
  const model::JobState from = job.status;
  count_time(job, time);
  job.status = to;
  job.last_activity_at = time;
  if (from == model::JobState::kRetrying) job.next_retry_at.reset();
  if (to == model::JobState::kAssigned) {
    job.assigned_at = time;
    job.paused_ms = 0;
  }
  if (to == model::JobState::kRunning && from == model::JobState::kAssigned) job.started_at = time;
  if (model::is_ended(to)) job.completed_at = time;
  if (to == model::JobState::kCompleted || to == model::JobState::kCanceled) {
    job.failure_reason.reset();  // of an earlier attempt
    job.error.clear();
  }
  if (model::is_live(to)) return;
  forget_desire(job);
  if (model::is_ended(to)) return;
  job.attempt_id.reset();
  job.node_id.reset();
}

}  // namespace

Cause by_node(std::string reason, const Uuid& node_id, const Uuid& attempt_id) {
  return Cause{std::move(reason), cat("node:", node_id.str()), attempt_id};
}

Cause by_master(std::string reason, std::optional<Uuid> attempt_id) {
  return Cause{std::move(reason), "master", attempt_id};
}

JobChange::JobChange(JobPtr job, const Now& now)
    : job_(std::move(job)), from_(job_->now.status), now_(job_->now), time_(now.utc) {}

model::Job JobChange::job() const {
  model::Job after = *job_;
  after.now = now_;
  return after;
}

Status JobChange::step(model::Event event, Cause cause) {
  FFRTMP_ASSIGN(const model::JobState to, model::step(now_.status, event));
  transitions_.push_back({now_.status, to, time_, std::move(cause.reason), std::move(cause.actor), cause.attempt_id});
  enter(now_, to, time_);
  return {};
}

Status JobChange::move_in_queue(Tx& tx, ApplyContext& context) {
  const bool was_waiting = from_ == model::JobState::kQueued;
  const bool waits = now_.status == model::JobState::kQueued;
  if (was_waiting == waits) return {};
  if (!entry_) {
    FFRTMP_ASSIGN(entry_, queue_entry_of(tx, *job_, context.settings));
  }
  if (!waits) return tx.dequeue(*entry_);
  context.effects.queue_grew = true;
  return tx.enqueue(*entry_);
}

void JobChange::judge(ApplyContext& context) {
  const bool has_ended = model::is_ended(now_.status);
  if (!has_ended) now_.sla_verdict.reset();
  if (!has_ended || now_.sla_verdict) return;
  const auto seconds = [](UtcTime from, UtcTime to) {
    return static_cast<double>(milliseconds_between(from, to)) / 1000;
  };
  model::SlaFacts facts;
  facts.queued_seconds = static_cast<double>(now_.queued_ms) / 1000;
  facts.end = now_.status == model::JobState::kCompleted  ? model::ResultStatus::kCompleted
              : now_.status == model::JobState::kCanceled ? model::ResultStatus::kCanceled
                                                          : model::ResultStatus::kFailed;
  facts.failure = now_.failure_reason;
  if (now_.status == model::JobState::kRejected) facts.failure = model::FailureReason::kCapabilityMismatch;
  facts.media_seconds = job_->effective.duration_seconds;
  if (result_ != nullptr) {
    facts.timeout_cause = result_->timeout_cause;
    if (result_->output && result_->output->duration_seconds) facts.media_seconds = result_->output->duration_seconds;
  }
  // Of the last attempt; its times are those of an earlier one when it never came so far.
  if (now_.assigned_at && now_.started_at && *now_.started_at >= *now_.assigned_at) {
    facts.start_delay_seconds = seconds(*now_.assigned_at, *now_.started_at);
    facts.processing_seconds = seconds(*now_.started_at, time_) - static_cast<double>(now_.paused_ms) / 1000;
  }
  model::SlaJudgement judgement = model::judge_sla(facts);
  now_.sla_verdict = judgement.verdict;
  now_.sla_reason = std::move(judgement.reason);
  now_.sla_counts = model::counts_for_sla(job_->spec, facts.media_seconds);
  context.effects.verdicts.push_back(judgement.verdict);
}

Status JobChange::write(Tx& tx, ApplyContext& context) {
  judge(context);
  FFRTMP_TRY(move_in_queue(tx, context));
  FFRTMP_TRY(tx.update_job(job_->sequence_number, now_, transitions_));
  context.live.count(from_, now_.status);
  context.effects.jobs_changed.push_back(job_->sequence_number);
  return {};
}

Result<QueueEntry> queue_entry_of(Tx& tx, const model::Job& job, const Settings& settings) {
  FFRTMP_ASSIGN(const ClassId id, tx.intern_class(model::requirement_of(job.spec, job.effective)));
  const auto key = sched::queue_key(job.now.queued_at, job.spec.queue, job.spec.priority, settings.aging);
  return QueueEntry{id, key, job.sequence_number};
}

}  // namespace ffrtmp::store
