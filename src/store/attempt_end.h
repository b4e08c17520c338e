#pragma once
// The current attempt of a job: its live entry, finding it, as every message of a worker must, and the ways it ends.
#include "store/job_change.h"
#include "store/live_table.h"

namespace ffrtmp::store {

// The live entry of an attempt that may still speak. In this order: unknown kNotFound, another node's kForbidden,
// ended or lease expired kStaleAttempt.
[[nodiscard]] Result<const LiveAttempt*> find_current(Tx& tx, ApplyContext& context, const Uuid& attempt_id,
                                                      const Uuid& node_id);
// With a whole lease, before its first progress.
[[nodiscard]] LiveAttempt live_of(const model::Attempt& attempt, const ApplyContext& context);
// The lease counted from now, as every accepted message renews it.
void renew(ApplyContext& context, const Uuid& attempt_id);
[[nodiscard]] std::chrono::milliseconds lease_left(const ApplyContext& context, const Uuid& attempt_id);

// The job's row must exist while the live table holds an attempt of it; kInternal names the one that does not.
[[nodiscard]] Result<JobPtr> job_of(Tx& tx, std::int64_t sequence);
// One that is found by looking through many: null when it cannot be read, and then set aside, with a word to the
// operator, so that it stands in nobody's way.
[[nodiscard]] Result<JobPtr> readable_job(Tx& tx, std::int64_t sequence);
Status set_aside(Tx& tx, std::int64_t sequence, const Error& damage);
// An attempt whose row cannot be read or is gone is made of its live entry: it ends like any other.
[[nodiscard]] Result<model::Attempt> row_of(Tx& tx, const ApplyContext& context, const Uuid& attempt_id);

// Writes the end of an attempt and its last progress, and takes its lease away.
Status close_attempt(Tx& tx, ApplyContext& context, model::Attempt& attempt, model::AttemptState state);

// Whether the job may have one more attempt that counts as a retry, or at all.
[[nodiscard]] bool may_retry(const model::JobSpec& spec, const model::JobStatus& job);
[[nodiscard]] bool may_start_again(const model::JobStatus& job);

// Ends an attempt whose node or lease is gone: its job is queued at once, counted as a retry, or fails when it has no
// retry left; a job that was to be canceled is canceled.
Status lose_attempt(Tx& tx, ApplyContext& context, const Uuid& attempt_id, const Cause& cause);

}  // namespace ffrtmp::store
