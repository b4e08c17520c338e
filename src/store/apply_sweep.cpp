// What time alone changes.
#include "store/attempt_end.h"
#include "store/rules.h"

namespace ffrtmp::store {
namespace {

// Retries queued by one sweep: bounds how long the others wait; the next sweep goes on.
constexpr int kRetriesPerSweep = 1000;

Result<bool> queue_retry(Tx& tx, ApplyContext& context, std::int64_t sequence) {
  FFRTMP_ASSIGN(JobPtr job, readable_job(tx, sequence));
  if (!job) return false;
  JobChange change(std::move(job), context.now);
  FFRTMP_TRY(change.step(model::Event::kBackoffOver, by_master("backoff over")));
  FFRTMP_TRY(change.write(tx, context));
  return true;
}

}  // namespace

Result<Reply> apply_sweep(Tx& tx, ApplyContext& context, const Sweep&) {
  Sweep::Reply reply;
  for (const Uuid& id : context.live.expired(context.now.boot)) {
    FFRTMP_TRY(lose_attempt(tx, context, id, by_master("lease expired", id)));
    ++reply.leases_expired;
  }
  FFRTMP_ASSIGN(const auto due, tx.due_retries(context.now.utc, kRetriesPerSweep));
  for (const std::int64_t sequence : due) {
    FFRTMP_ASSIGN(const bool queued, queue_retry(tx, context, sequence));
    if (queued) ++reply.retries_due;
  }
  if (context.live.hour_has_passed(context.now.boot))
    FFRTMP_TRY(tx.expire_idempotency(context.now.utc - std::chrono::hours(24)));
  return Reply(reply);
}

}  // namespace ffrtmp::store
