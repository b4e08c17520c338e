// What an operator asks of a job. Without a live attempt it is done at once; with one it becomes a desire that the
// attempt acknowledges (pause, resume) or answers with its result (cancel).
#include "base/text.h"
#include "store/attempt_end.h"
#include "store/rules.h"

namespace ffrtmp::store {
namespace {

using Kind = ControlJob::Kind;
using model::Desired;
using model::JobState;

std::string default_reason(Kind kind) {
  switch (kind) {
    case Kind::kCancel:
      return "canceled";
    case Kind::kPause:
      return "paused";
    case Kind::kResume:
      return "resumed";
    case Kind::kRetry:
      break;
  }
  return "retried by hand";
}

Cause cause_of(const ControlJob& command) {
  return {command.reason.empty() ? default_reason(command.kind) : command.reason, command.actor, std::nullopt};
}

model::Event event_of(const ControlJob& command) {
  switch (command.kind) {
    case Kind::kCancel:
      return model::Event::kCancel;
    case Kind::kPause:
      return model::Event::kPause;
    case Kind::kResume:
      return model::Event::kResumeQueued;
    case Kind::kRetry:
      break;
  }
  return command.is_operator ? model::Event::kOperatorRetry : model::Event::kManualRetry;
}

Result<Reply> change_at_once(Tx& tx, ApplyContext& context, const ControlJob& command, JobPtr job) {
  if (command.kind == Kind::kCancel && job->now.status == JobState::kCanceled) return Reply(ControlJob::Reply{*job});
  JobChange change(std::move(job), context.now);
  FFRTMP_TRY(change.step(event_of(command), cause_of(command)));
  if (command.kind == Kind::kRetry) {
    model::JobStatus& now = change.now();
    now.retry_count = 0;
    now.queued_ms = 0;
    now.attempts_before_retry = now.attempt_count;
    now.failure_reason.reset();
    now.error.clear();
    now.avoid_node_id.reset();
  }
  FFRTMP_TRY(change.write(tx, context));
  return Reply(ControlJob::Reply{change.job()});
}

// What the command wants of a live attempt; kIllegalTransition where the state, or an earlier desire, forbids it.
Result<Desired> desire_of(const ControlJob& command, const model::JobStatus& job) {
  const auto illegal = [&](std::string_view what) {
    return make_error(Errc::kIllegalTransition, cat("a ", model::state_name(job.status), " job cannot ", what));
  };
  if (command.kind == Kind::kCancel) return Desired::kCanceled;
  if (command.kind == Kind::kRetry) return illegal("retry");
  if (job.desired == Desired::kCanceled) return make_error(Errc::kIllegalTransition, "the job is being canceled");
  if (command.kind == Kind::kPause) {
    const bool can = job.status == JobState::kRunning || job.desired == Desired::kRunning;
    return can ? Result<Desired>(Desired::kPaused) : illegal("pause");
  }
  const bool can = job.status == JobState::kPaused || job.desired == Desired::kPaused;
  return can ? Result<Desired>(Desired::kRunning) : illegal("resume");
}

Result<Reply> ask_attempt(Tx& tx, ApplyContext& context, const ControlJob& command, JobPtr job) {
  FFRTMP_ASSIGN(const Desired desired, desire_of(command, job->now));
  if (job->now.desired == desired) return Reply(ControlJob::Reply{*job});
  const Uuid attempt_id = *job->now.attempt_id;
  const Cause cause = cause_of(command);
  JobChange change(std::move(job), context.now);
  model::JobStatus& now = change.now();
  now.desired = desired;
  ++now.desired_version;
  now.grace_seconds = desired == Desired::kCanceled ? command.grace_seconds : std::nullopt;
  now.desired_actor = cause.actor;
  now.desired_reason = cause.reason;
  now.last_activity_at = context.now.utc;
  FFRTMP_TRY(change.write(tx, context));
  if (const LiveAttempt* live = context.live.attempt(attempt_id)) {
    LiveAttempt told = *live;
    told.pending = command_for(now, attempt_id);
    context.effects.nodes_with_commands.push_back(told.node_id);
    context.live.put_attempt(attempt_id, std::move(told));
  }
  return Reply(ControlJob::Reply{change.job()});
}

}  // namespace

std::optional<WorkerCommand> command_for(const model::JobStatus& job, const Uuid& attempt_id) {
  if (!job.desired) return std::nullopt;
  WorkerCommand command;
  command.command_id = cat(attempt_id.str(), "/", job.desired_version);
  command.attempt_id = attempt_id;
  switch (*job.desired) {
    case Desired::kRunning:
      command.action = Action::kResume;
      break;
    case Desired::kPaused:
      command.action = Action::kPause;
      break;
    case Desired::kCanceled:
      command.action = Action::kCancel;
      command.grace_seconds = job.grace_seconds;
      break;
  }
  return command;
}

Result<Reply> apply_control(Tx& tx, ApplyContext& context, const ControlJob& command) {
  FFRTMP_ASSIGN(JobPtr job, tx.find_job(command.job));
  if (!job || (command.only_owner && job->owner != *command.only_owner))
    return make_error(Errc::kNotFound, "no such job");
  const bool live = model::is_live(job->now.status) && job->now.attempt_id.has_value();
  return live ? ask_attempt(tx, context, command, std::move(job))
              : change_at_once(tx, context, command, std::move(job));
}

}  // namespace ffrtmp::store
