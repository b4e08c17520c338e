// What a worker says of an attempt while it runs.
#include <algorithm>

#include "base/text.h"
#include "store/attempt_end.h"
#include "store/rules.h"

namespace ffrtmp::store {
namespace {

// Progress lives in memory; this often it is written, so that a restart shows no job without it.
constexpr std::chrono::seconds kSaveProgress{15};

// The transition that an acknowledged command stands for. A cancel is done only with its result.
Status follow_ack(JobChange& change, const WorkerCommand& command) {
  const model::JobState status = change.now().status;
  if (command.action == Action::kCancel) return {};
  const Cause cause{change.now().desired_reason, change.now().desired_actor, command.attempt_id};
  if (command.action == Action::kPause && status == model::JobState::kRunning)
    FFRTMP_TRY(change.step(model::Event::kPause, cause));
  if (command.action == Action::kResume && status == model::JobState::kPaused)
    FFRTMP_TRY(change.step(model::Event::kResume, cause));
  model::JobStatus& now = change.now();
  now.desired.reset();
  now.desired_actor.clear();
  now.desired_reason.clear();
  return {};
}

bool is_acknowledged(const LiveAttempt& live, const std::vector<std::string>& acks) {
  return live.pending && std::find(acks.begin(), acks.end(), live.pending->command_id) != acks.end();
}

// Takes over the report itself: memory, and now and then a row.
void note_progress(LiveAttempt& live, const ReportProgress& report, const Now& now) {
  if (report.seq <= live.last_seq) return;
  live.last_seq = report.seq;
  live.progress = report.progress;
  live.progress_at = now.utc;
}

bool save_is_due(const LiveAttempt& live, const Now& now) {
  return live.progress && (!live.progress_saved || now.boot - *live.progress_saved >= kSaveProgress);
}

// Marks the attempt as started, together with its job.
Status start(Tx& tx, JobChange& change, model::Attempt& attempt, const Now& now) {
  FFRTMP_TRY(change.step(model::Event::kFirstProgress, by_node("first progress", attempt.node_id, attempt.id)));
  attempt.started_at = now.utc;
  return tx.update_attempt(attempt);
}

Status change_by_report(Tx& tx, ApplyContext& context, const ReportProgress& report, LiveAttempt& live) {
  const bool acknowledged = is_acknowledged(live, report.acks);
  if (live.started && !acknowledged) return {};
  FFRTMP_ASSIGN(JobPtr job, job_of(tx, live.job_sequence));
  JobChange change(std::move(job), context.now);
  if (!live.started) {
    FFRTMP_ASSIGN(model::Attempt attempt, row_of(tx, context, report.attempt_id));
    FFRTMP_TRY(start(tx, change, attempt, context.now));
    live.started = true;
  }
  if (acknowledged) {
    FFRTMP_TRY(follow_ack(change, *live.pending));
    live.pending.reset();
  }
  return change.write(tx, context);
}

std::vector<WorkerCommand> commands_of(const LiveAttempt& live) {
  return live.pending ? std::vector<WorkerCommand>{*live.pending} : std::vector<WorkerCommand>{};
}

}  // namespace

Result<Reply> apply_progress(Tx& tx, ApplyContext& context, const ReportProgress& report) {
  FFRTMP_ASSIGN(const LiveAttempt* current, find_current(tx, context, report.attempt_id, report.node_id));
  LiveAttempt live = *current;
  FFRTMP_TRY(change_by_report(tx, context, report, live));
  note_progress(live, report, context.now);
  if (save_is_due(live, context.now)) {
    FFRTMP_TRY(tx.put_progress(live.job_sequence, *live.progress));
    live.progress_saved = context.now.boot;
  }
  live.lease_expires = context.now.boot + context.settings.intervals.lease;
  context.effects.jobs_changed.push_back(live.job_sequence);
  ReportProgress::Reply reply{context.settings.intervals.lease, commands_of(live)};
  context.live.put_attempt(report.attempt_id, std::move(live));
  return Reply(std::move(reply));
}

Result<Reply> apply_touch(Tx& tx, ApplyContext& context, const TouchAttempt& touch) {
  FFRTMP_ASSIGN(const LiveAttempt* live, find_current(tx, context, touch.attempt_id, touch.node_id));
  const TouchAttempt::Reply reply{live->job_sequence};
  renew(context, touch.attempt_id);
  return Reply(reply);
}

Result<Reply> apply_publish(Tx& tx, ApplyContext& context, const Publish& publish) {
  FFRTMP_TRY(find_current(tx, context, publish.attempt_id, publish.node_id));
  FFRTMP_ASSIGN(model::Attempt attempt, row_of(tx, context, publish.attempt_id));
  if (attempt.grant != publish.grant) {
    attempt.grant = publish.grant;
    FFRTMP_TRY(tx.update_attempt(attempt));
  }
  renew(context, publish.attempt_id);
  return Reply(Publish::Reply{});
}

Result<Reply> apply_release(Tx& tx, ApplyContext& context, const Release& release) {
  FFRTMP_TRY(find_current(tx, context, release.attempt_id, release.node_id));
  FFRTMP_ASSIGN(model::Attempt attempt, row_of(tx, context, release.attempt_id));
  FFRTMP_ASSIGN(JobPtr job, job_of(tx, attempt.job_sequence));
  JobChange change(std::move(job), context.now);
  const Cause cause =
      by_node(release.reason.empty() ? "released" : cat("released: ", release.reason), attempt.node_id, attempt.id);
  if (change.now().desired == model::Desired::kCanceled) {
    FFRTMP_TRY(change.step(model::Event::kCancel, cause));
  } else if (may_start_again(change.now())) {
    FFRTMP_TRY(change.step(model::Event::kRelease, cause));
  } else {
    FFRTMP_TRY(change.step(model::Event::kFail, cause));
    change.now().failure_reason = model::FailureReason::kPlatformError;
    change.now().error = "released by every attempt it may have";
  }
  FFRTMP_TRY(close_attempt(tx, context, attempt, model::AttemptState::kReleased));
  FFRTMP_TRY(change.write(tx, context));
  return Reply(Release::Reply{change.now().status});
}

}  // namespace ffrtmp::store
