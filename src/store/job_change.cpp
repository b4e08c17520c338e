#include "store/job_change.h"

#include "base/text.h"
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

// What comes with a state besides its name. A retry erases no time: times are only ever written over by later ones.
void enter(model::JobStatus& job, model::JobState to, UtcTime time) {
  const model::JobState from = job.status;
  job.status = to;
  job.last_activity_at = time;
  if (from == model::JobState::kRetrying) job.next_retry_at.reset();
  if (to == model::JobState::kAssigned) job.assigned_at = time;
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

Status JobChange::write(Tx& tx, ApplyContext& context) {
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
