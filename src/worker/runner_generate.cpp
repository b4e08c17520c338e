// The step of an attempt that makes an input where the job names none: an engine of its own under the same kind of
// supervisor, before the one that encodes.
//
//   create .part ─ hardware ──failed──> software ──failed──> platform_error
//                     └──────── made ──────┴──> rename ─> the attempt goes on as with any input; its notes say so
//                                               before its own engine starts
//
// Notes say that an input is being made before its engine runs: a worker that is started again makes it anew.
#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "engine/engine.h"
#include "media/generate.h"
#include "worker/runner.h"

namespace ffrtmp::worker {
namespace {

using model::FailureReason;
using std::chrono::milliseconds;

constexpr const char* kSoftware = "libx264";

milliseconds of_seconds(double seconds) { return milliseconds(static_cast<std::int64_t>(seconds * 1000)); }

// The node's H.264 encoder, whatever the job asks of its output.
model::ChosenEncoder choose_encoder(const std::vector<model::Encoder>& encoders) {
  const auto chosen = model::choose_encoder(model::Parameters{}, encoders);
  return chosen ? *chosen : model::ChosenEncoder{kSoftware, std::nullopt, false};
}

// What the generation itself is not to blame for, or what another encoder would meet as well.
bool is_final(const supervisor::Exit& exit) {
  using supervisor::EndCause;
  return exit.cause != EndCause::kExited && exit.cause != EndCause::kStalled && exit.cause != EndCause::kDeadline;
}

}  // namespace

std::optional<model::AttemptResult> Runner::generate_input() {
  const Uuid& job = notes_.claim.job.id;
  if (!shared_.settings.generate_input)
    return failure(FailureReason::kPlatformError, "this worker generates no inputs");
  if (!shared_.inputs) return failure(FailureReason::kPlatformError, "input generation: no directory for inputs");
  auto part = shared_.inputs->create_part(job);
  if (!part) return failure(FailureReason::kPlatformError, cat("input generation: ", part.error().message));
  generated_file_ = std::move(part->file);
  const auto length = media::generated_length(notes_.claim.job.parameters, shared_.settings.generate_max_seconds);
  notes_.input_path = shared_.inputs->path(job);
  notes_.generated = GeneratedInput{part->inode, {}, length.loops, false};

  const BootTime begun = BootClock::now();
  const auto limit = media::generation_limit(length.seconds);
  const model::ChosenEncoder first = choose_encoder(encoders_at_hand());
  // A hardware encoder that hangs leaves software half of the time.
  auto failed = generate_with(first, first.name == kSoftware ? limit : limit / 2);
  if (failed && first.name != kSoftware && exit_ && !is_final(*exit_) && !canceled_ && !should_stop()) {
    log::warn("input generation failed, going on in software",
              {{"attempt_id", id_.str()}, {"encoder", first.name}, {"err", failed->error.value_or("")}});
    leave_engine();
    const auto spent = std::chrono::duration_cast<milliseconds>(BootClock::now() - begun);
    failed = generate_with({kSoftware, std::nullopt, false}, std::max(limit / 2, limit - spent));
  }
  if (failed) return failed;
  leave_engine();
  return finish_generation(std::chrono::duration<double>(BootClock::now() - begun).count());
}

std::optional<model::AttemptResult> Runner::generate_with(const model::ChosenEncoder& encoder, milliseconds limit) {
  const model::Parameters& p = notes_.claim.job.parameters;
  const std::string part = shared_.inputs->part_path(notes_.claim.job.id);
  const auto length = media::generated_length(p, shared_.settings.generate_max_seconds);
  engine::RunPlan run;
  run.argv = media::plan_generation({p, length.seconds, encoder.name, encoder.device, part, shared_.settings.ffmpeg});
  notes_.generated->encoder = encoder.name;
  notes_.command = run.argv;
  if (auto refused = start_supervisor()) return refused;  // starts while the notes are flushed
  if (const Status saved = dir_.save_notes(notes_); !saved)
    return failure(FailureReason::kPlatformError, saved.error().message);
  supervisor::Plan plan = plan_of(run, part);
  const auto own = notes_.claim.job.resource_limits.timeout_sec;
  const auto own_left = own ? of_seconds(static_cast<double>(*own) - notes_.earlier_seconds) : milliseconds::max();
  const bool is_own = own_left < limit;  // the job's own timeout comes first
  if (is_own) limit = std::max(milliseconds(1), own_left);
  plan.deadline_ms = limit.count();
  auto link = std::move(*prepared_).run(plan);
  prepared_.reset();
  if (!link) return failure(FailureReason::kPlatformError, cat("input generation: ", link.error().message));
  link_ = std::move(*link);
  if (paused_) (void)link_->pause();
  if (auto lost = follow_engine(model::Phase::kPreparing)) return lost;
  const bool made = exit_->cause == supervisor::EndCause::kExited && exit_->exit_code == 0;
  if (canceled_) return canceled_result(exit_->graceful);
  if (made && !should_stop()) return std::nullopt;
  return judge_generation(limit, is_own);
}

// Whatever is wrong with an input that the job did not name is not the job's fault.
std::optional<model::AttemptResult> Runner::judge_generation(milliseconds limit, bool is_own) {
  using supervisor::EndCause;
  if (should_stop()) return failure(FailureReason::kPlatformError, "the worker is stopping");
  model::AttemptResult result = judge(*exit_);
  if (result.status == model::ResultStatus::kCanceled) return result;
  // Of the output: none was made.
  result.engine.reset();
  result.encoder.reset();
  result.stats.reset();
  const bool is_late = exit_->cause == EndCause::kDeadline;
  if (is_late && is_own) return result;
  if (is_late) result.error = cat("not done after ", format_duration(limit));
  result.error = cat("input generation: ", result.error.value_or("failed"));
  if (result.failure_reason == FailureReason::kResourceError) return result;
  result.status = model::ResultStatus::kFailed;
  result.failure_reason = FailureReason::kPlatformError;
  result.timeout_cause.reset();
  return result;
}

std::optional<model::AttemptResult> Runner::finish_generation(double seconds_spent) {
  auto size = shared_.inputs->finish(notes_.claim.job.id, notes_.generated->inode);
  if (!size) return failure(FailureReason::kPlatformError, cat("input generation: ", size.error().message));
  notes_.generated->is_ready = true;
  notes_.command.clear();
  shared_.meters->generated(seconds_spent, *size);
  log::info("input generated", {{"attempt_id", id_.str()},
                                {"encoder", notes_.generated->encoder},
                                {"bytes", cat(*size)},
                                {"seconds", format_fixed(seconds_spent, 1)}});
  return std::nullopt;
}

// What is wrong with an input that we made is not the job's fault, unless it asks for streams that there are none of.
void Runner::blame_generation(model::AttemptResult& result) const {
  const bool takes_what_is_there = notes_.claim.job.parameters.streams == std::vector<std::string>{"default"};
  if (notes_.generated && takes_what_is_there && result.failure_reason == FailureReason::kInputError)
    result.failure_reason = FailureReason::kPlatformError;
}

// An earlier worker's unfinished one.
void Runner::forget_generation() {
  end_engine();
  remove_generated_input();
  notes_.generated.reset();
  notes_.input_path.clear();
  notes_.command.clear();
  origin_ = Origin::kClaimed;
}

model::InputInfo Runner::input_info() const {
  model::InputInfo info{notes_.input_path, false, false, notes_.input_bytes, std::nullopt};
  if (!notes_.generated) return info;
  info.generated = true;
  info.looped = notes_.generated->loops;
  info.encoder = notes_.generated->encoder;
  if (!notes_.generated->is_ready) info.size_bytes.reset();
  return info;
}

void Runner::remove_generated_input() {
  if (!notes_.generated || !shared_.inputs) return;
  // Half of one is of no use to anybody.
  if (notes_.generated->is_ready && shared_.settings.persist_inputs) return;
  shared_.inputs->remove(notes_.claim.job.id, notes_.generated->inode);
}

bool Runner::output_goes() const {
  const model::Parameters& p = notes_.claim.job.parameters;
  return !p.input && !p.output && !notes_.staged_name.empty() && !shared_.settings.persist_outputs;
}

}  // namespace ffrtmp::worker
