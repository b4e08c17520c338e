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

std::int64_t microseconds_between(UtcTime from, UtcTime to) {
  return std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(to - from).count());
}

// Books the time in the state that ends.
void leave(model::JobStatus& job, model::JobState to, UtcTime time) {
  const std::int64_t spent = microseconds_between(job.state_since, time);
  if (job.status == model::JobState::kQueued) job.queued_us += spent;
  if (job.status == model::JobState::kRunning) job.running_us += spent;
  if (job.status == model::JobState::kAssigned && to == model::JobState::kRunning)
    job.start_delay_us = std::max(job.start_delay_us, spent);
  job.state_since = time;
}

void judge(model::JobStatus& job, const model::JobSpec& spec, const model::Parameters& effective,
           std::optional<double> media_seconds) {
  using std::chrono::microseconds;
  model::SlaJudgement judgement =
      model::judge_sla({job.status, job.failure_reason, job.timeout_cause, microseconds(job.queued_us),
                        microseconds(job.start_delay_us), microseconds(job.running_us), media_seconds});
  job.sla_verdict = judgement.verdict;
  job.sla_reason = std::move(judgement.reason);
  job.sla_worthy = model::is_sla_worthy(spec, effective);
}

// What comes with a state besides its name. A retry erases no time: times are only ever written over by later ones.
void enter(model::JobStatus& job, model::JobState to, UtcTime time) {
  const model::JobState from = job.status;
  leave(job, to, time);
  job.status = to;
  job.last_activity_at = time;
  if (from == model::JobState::kRetrying) job.next_retry_at.reset();
  if (to == model::JobState::kAssigned) job.assigned_at = time;
  if (to == model::JobState::kRunning && from == model::JobState::kAssigned) job.started_at = time;
  if (model::is_ended(to)) job.completed_at = time;
  if (to == model::JobState::kCompleted || to == model::JobState::kCanceled) {
    job.failure_reason.reset();  // of an earlier attempt
    job.timeout_cause.reset();
    job.error.clear();
  }
  if (model::is_live(to)) return;
  forget_desire(job);
  if (model::is_ended(to)) return;
  job.sla_verdict.reset();  // a retry by hand
  job.sla_reason.clear();
  job.sla_worthy = false;
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

Status JobChange::write(Tx& tx, ApplyContext& context) {
  if (model::is_ended(now_.status) && now_.status != from_) {
    const auto asked = job_->effective.duration_seconds;
    judge(now_, job_->spec, job_->effective, asked ? asked : media_seconds_);
  }
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
