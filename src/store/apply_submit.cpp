#include "store/job_change.h"
#include "store/live_table.h"
#include "store/rules.h"

namespace ffrtmp::store {
namespace {

constexpr std::chrono::hours kKeyLife{24};

// The job that the key made before; nothing when the key is new or forgotten.
Result<JobPtr> find_earlier(Tx& tx, const ApplyContext& context, const Submit& command) {
  FFRTMP_ASSIGN(const auto row, tx.find_idempotency(command.job.owner, *command.idempotency_key));
  if (!row || context.now.utc - row->created_at >= kKeyLife) return JobPtr();
  if (row->body_sha256 != command.body_sha256)
    return make_error(Errc::kIdempotencyConflict, "this Idempotency-Key was used with another body");
  return tx.find_job(JobRef(row->job_sequence));
}

model::Job new_job(const Submit& command, UtcTime now) {
  model::Job job = command.job;
  job.created_at = now;
  job.now = {};
  job.now.queued_at = now;
  job.now.last_activity_at = now;
  job.now.entered_at = now;
  return job;
}

}  // namespace

Result<Reply> apply_submit(Tx& tx, ApplyContext& context, const Submit& command) {
  const UtcTime now = context.now.utc;
  if (command.idempotency_key) {
    FFRTMP_ASSIGN(const JobPtr earlier, find_earlier(tx, context, command));
    if (earlier) return Reply(Submit::Reply{*earlier, true});
  }
  model::Job job = new_job(command, now);
  const model::Transition first{std::nullopt, model::JobState::kQueued, now,
                                "submitted",  "key:" + job.owner,       std::nullopt};
  FFRTMP_TRY(tx.insert_job(job, first));
  FFRTMP_ASSIGN(const QueueEntry entry, queue_entry_of(tx, job, context.settings));
  FFRTMP_TRY(tx.enqueue(entry));
  if (command.idempotency_key)
    FFRTMP_TRY(
        tx.put_idempotency(job.owner, *command.idempotency_key, {job.sequence_number, command.body_sha256, now}));
  context.live.count(std::nullopt, model::JobState::kQueued);
  context.effects.queue_grew = true;
  context.effects.jobs_changed.push_back(job.sequence_number);
  return Reply(Submit::Reply{std::move(job), false});
}

}  // namespace ffrtmp::store
