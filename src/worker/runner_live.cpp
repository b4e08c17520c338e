// The steps of an attempt whose output is a live stream: nothing is staged or published, and what arrived is not seen
// from here. The engine's own word counts: its exit, its complaints, and how far it came.
#include "base/text.h"
#include "engine/engine.h"
#include "media/verify.h"
#include "sys/file_io.h"
#include "worker/live_target.h"
#include "worker/runner.h"

namespace ffrtmp::worker {
namespace {

using model::FailureReason;

// A stream is whole when so much of it was sent (contract 5.4).
constexpr double kWholeShare = 0.98;

FailureReason target_failure(const Error& error) {
  if (error.code == Errc::kUnavailable) return FailureReason::kNetworkError;
  return error.code == Errc::kCorrupt ? FailureReason::kPlatformError : FailureReason::kUserError;
}

}  // namespace

std::optional<model::AttemptResult> Runner::place_live() {
  const model::Parameters& p = notes_.claim.job.parameters;
  const Settings& settings = shared_.settings;
  auto target = plan_live_target(p, notes_.claim.job.id, {settings.master_url, settings.outlets});
  if (!target) return failure(target_failure(target.error()), cat("output: ", target.error().message));
  live_ = std::move(target->output);
  live_->ca_file = settings.output_ca;
  notes_.muxer = target->muxer;
  notes_.live_url = target->shown;
  if (!p.stream_key) return std::nullopt;
  // Read by ffmpeg at its start; in its arguments everybody could read it.
  live_->options_file = dir_.path() + "/output.ffpreset";
  const Status written =
      sys::write_atomic(live_->options_file, cat("rtmp_playpath=", *p.stream_key, "\n"), 0600, sys::Sync::kNo);
  if (!written) return failure(FailureReason::kPlatformError, written.error().message);
  return std::nullopt;
}

model::AttemptResult Runner::judge_live(model::AttemptResult result, const media::Expectation& expected) const {
  const auto fail = [&](FailureReason reason, std::string error) {
    result.status = model::ResultStatus::kFailed;
    result.failure_reason = reason;
    result.error = std::move(error);
    result.output->verify_error = result.error;
    return result;
  };
  const model::Progress last = engine::parse_progress(exit_->last_progress, output_seconds_);
  const double sent = static_cast<double>(last.out_time_ms.value_or(0)) / 1000;
  result.output = model::OutputInfo{};
  result.output->path = notes_.live_url;
  result.output->size_bytes = last.size_bytes;
  result.output->duration_seconds = sent;
  result.output->left_out = notes_.left_out;
  result.output->verify_level = "live";
  if (const auto complaints = engine::error_lines(stderr_tail_); !complaints.empty()) {
    const auto diagnosis = engine::diagnose(exit_->exit_code, std::nullopt, stderr_tail_);
    const bool is_known = diagnosis.reason != FailureReason::kUnknown;
    return fail(is_known ? diagnosis.reason : FailureReason::kOutputError,
                cat(notes_.engine.used, " exited 0 but said: ", complaints.front()));
  }
  if (expected.total_seconds && sent < kWholeShare * *expected.total_seconds)
    return fail(FailureReason::kOutputError, cat("the stream ended at ", format_fixed(sent, 2), " s of ",
                                                 format_fixed(*expected.total_seconds, 2), " s"));
  result.output->verified = true;
  return result;
}

}  // namespace ffrtmp::worker
