#include "store/apply.h"

#include <set>

#include "store/attempt_end.h"
#include "store/rules.h"

namespace ffrtmp::store {
namespace {

struct Dispatch {
  Tx& tx;
  ApplyContext& context;

  Result<Reply> operator()(const Submit& c) const { return apply_submit(tx, context, c); }
  Result<Reply> operator()(const Claim& c) const { return apply_claim(tx, context, c); }
  Result<Reply> operator()(const ReportProgress& c) const { return apply_progress(tx, context, c); }
  Result<Reply> operator()(const TouchAttempt& c) const { return apply_touch(tx, context, c); }
  Result<Reply> operator()(const Publish& c) const { return apply_publish(tx, context, c); }
  Result<Reply> operator()(const Finish& c) const { return apply_finish(tx, context, c); }
  Result<Reply> operator()(const Release& c) const { return apply_release(tx, context, c); }
  Result<Reply> operator()(const ControlJob& c) const { return apply_control(tx, context, c); }
  Result<Reply> operator()(const RegisterNode& c) const { return apply_register(tx, context, c); }
  Result<Reply> operator()(const Heartbeat& c) const { return apply_heartbeat(tx, context, c); }
  Result<Reply> operator()(const Sweep& c) const { return apply_sweep(tx, context, c); }
  Result<Reply> operator()(const CreateKey& c) const {
    FFRTMP_TRY(tx.put_key(c.key));
    return Reply(CreateKey::Reply{});
  }
};

Status load_attempt(Tx& tx, ApplyContext& context, const model::Attempt& attempt) {
  FFRTMP_ASSIGN(const JobPtr job, readable_job(tx, attempt.job_sequence));
  if (!job) return {};
  LiveAttempt live = live_of(attempt, context);
  live.started = job->now.status != model::JobState::kAssigned;
  live.pending = command_for(job->now, attempt.id);
  context.live.put_attempt(attempt.id, std::move(live));
  return {};
}

// A job that runs although its attempt cannot be read. It goes by what the job says of it: its worker may go on, and
// its lease ends.
Status load_by_job(Tx& tx, ApplyContext& context, std::int64_t sequence) {
  FFRTMP_ASSIGN(const JobPtr job, readable_job(tx, sequence));
  if (!job || !job->now.attempt_id || !job->now.node_id) return {};
  model::Attempt attempt;
  attempt.id = *job->now.attempt_id;
  attempt.job_sequence = sequence;
  attempt.number = job->now.attempt_count;
  attempt.node_id = *job->now.node_id;
  return load_attempt(tx, context, attempt);
}

}  // namespace

Result<Reply> apply(Tx& tx, ApplyContext& context, const Command& command) {
  return std::visit(Dispatch{tx, context}, command);
}

Status load_live(Tx& tx, ApplyContext& context) {
  FFRTMP_ASSIGN(const auto nodes, tx.nodes());
  FFRTMP_ASSIGN(StateCounts counts, tx.count_by_state());
  context.live.begin_group();
  context.live.set_counts(std::move(counts));
  for (const model::Node& node : nodes) {
    LiveNode live;
    live.instance_id = node.instance_id;
    live.facts = std::make_shared<const model::NodeFacts>(node.facts);
    live.draining = node.draining;
    live.last_contact_utc = node.last_heartbeat_at;
    context.live.put_node(node.id, std::move(live));
  }
  FFRTMP_ASSIGN(const auto attempts, tx.live_attempts());
  std::set<std::int64_t> read;
  for (const model::Attempt& attempt : attempts) {
    FFRTMP_TRY(load_attempt(tx, context, attempt));
    read.insert(attempt.job_sequence);
  }
  FFRTMP_ASSIGN(const auto jobs, tx.live_jobs());
  for (const std::int64_t sequence : jobs)
    if (!read.contains(sequence)) FFRTMP_TRY(load_by_job(tx, context, sequence));
  context.live.keep_group();
  return {};
}

}  // namespace ffrtmp::store
