// The steps of an attempt that touch media: prepare, judge, publish.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "engine/choose_engine.h"
#include "engine/engine.h"
#include "engine/gstreamer_args.h"
#include "media/generate.h"
#include "media/paths.h"
#include "media/run_tool.h"
#include "media/stream_choice.h"
#include "media/verify.h"
#include "model/live_url.h"
#include "net/digest.h"
#include "sys/fd.h"
#include "sys/machine_load.h"
#include "worker/engine_environment.h"
#include "worker/hls_set.h"
#include "worker/job_limits.h"
#include "worker/publish_hls.h"
#include "worker/retry.h"
#include "worker/reuse.h"
#include "worker/runner.h"

namespace ffrtmp::worker {
namespace {

using namespace std::chrono_literals;
using model::FailureReason;

constexpr std::int64_t kDefaultDiskMb = 5000;
constexpr double kFullDiskRatio = 0.95;  // contract fleet.md 5.5
constexpr auto kLookEvery = 200ms;
constexpr std::int64_t kTailBytes = 64 << 10;

constexpr double kLiveSpareSeconds = 60;
constexpr auto kScanTime = 1h;  // for all packets of an input

// In words; nothing when there is room.
std::optional<std::string> full_disk(const std::string& dir) {
  const auto disk = sys::read_disk_space(dir);
  if (!disk || disk->used_ratio < kFullDiskRatio) return std::nullopt;
  return cat("the disk of ", dir, " is ", format_fixed(disk->used_ratio * 100, 1), " % full");
}

std::optional<double> shorter(std::optional<double> a, std::optional<double> b) {
  if (!a) return b;
  if (!b) return a;
  return std::min(*a, *b);
}

// Of a tool that got no further for want of memory.
std::optional<FailureReason> tool_failure(const Error& error) {
  if (error.sys == ENOMEM) return FailureReason::kResourceError;
  return std::nullopt;
}

FailureReason input_failure(const Error& error) {
  if (const auto starved = tool_failure(error)) return *starved;
  if (error.code == Errc::kIo || error.code == Errc::kTimeout) return FailureReason::kPlatformError;
  return FailureReason::kInputError;
}

// Demuxers of GStreamer count the streams of each kind.
void place_streams(engine::InputFacts& facts, const media::Probe& probe) {
  int videos = 0;
  int audios = 0;
  bool has_video = false;
  bool has_audio = false;
  for (const media::ProbedStream& stream : probe.streams) {
    const bool is_mapped =
        std::find(facts.maps.begin(), facts.maps.end(), cat("0:", stream.index)) != facts.maps.end();
    if (stream.type == "video" && !stream.is_attached_pic) {
      if (is_mapped && !std::exchange(has_video, true)) facts.video_number = videos;
      ++videos;
    } else if (stream.type == "audio") {
      if (is_mapped && !std::exchange(has_audio, true)) {
        facts.audio_number = audios;
        facts.audio_channels = stream.channels;
      }
      ++audios;
    }
  }
}

bool was_granted(const std::vector<model::PublishGrant>& grants, const std::string& path) {
  for (const model::PublishGrant& grant : grants)
    if (grant.path == path) return true;
  return false;
}

}  // namespace

std::optional<model::AttemptResult> Runner::prepare() {
  if (origin_ == Origin::kAdopted && notes_.generated && !notes_.generated->is_ready) forget_generation();
  if (origin_ == Origin::kAdopted) {
    was_supervised_ = true;
    auto link = supervisor::Link::adopt(dir_.path());
    if (!link) {
      end_engine();
      return failure(FailureReason::kPlatformError, "the engine was lost with its worker");
    }
    link_ = std::move(*link);
    const auto& p = notes_.claim.job.parameters;
    output_seconds_ = shorter(notes_.input_seconds, p.duration_seconds);
    return std::nullopt;
  }
  if (const Status made = dir_.create(); !made) return failure(FailureReason::kPlatformError, made.error().message);
  notes_.boot_id = shared_.boot_id;
  carry_out_commands();
  if (canceled_) return canceled_result(true);
  return plan_and_start();
}

bool Runner::is_live() const { return model::is_live(notes_.claim.job.parameters.output_mode); }

// max(1 h, 20 times the length), of a live output its length and a minute, a day when it is unknown; a job's own timeout
// goes before.
std::chrono::milliseconds Runner::deadline() const {
  const model::ResourceLimits& limits = notes_.claim.job.resource_limits;
  if (limits.timeout_sec) return std::chrono::seconds(*limits.timeout_sec);
  if (!output_seconds_) return std::chrono::hours(24);
  const double seconds = is_live() ? *output_seconds_ + kLiveSpareSeconds : std::max(3600.0, 20 * *output_seconds_);
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

// Where the output goes. A failed check is a result.
std::optional<model::AttemptResult> Runner::place_output() {
  if (is_live()) return place_live();
  const model::Parameters& p = notes_.claim.job.parameters;
  const std::string extension = p.output_mode == model::OutputMode::kHls ? "m3u8" : media::default_extension(p);
  const std::string path = p.output.value_or(
      cat(shared_.settings.work_dir, "/outputs/job_", notes_.claim.job.id.str(), "_output.", extension));
  std::vector<std::string> roots = shared_.settings.output_roots;
  roots.push_back(shared_.settings.work_dir);
  auto place = media::open_output_place(path, roots);
  if (!place) {
    const bool user = place.error().code == Errc::kForbidden || place.error().code == Errc::kInvalidField || place.error().code == Errc::kDenied;
    return failure(user ? FailureReason::kUserError : FailureReason::kPlatformError, cat("output: ", place.error().message));
  }
  const sys::Fd dir(place->dir_fd);
  if (const auto full = full_disk(place->dir)) return failure(FailureReason::kPlatformError, cat("output: ", *full));
  auto muxer = media::muxer_for(path);
  if (!muxer) return failure(FailureReason::kUserError, muxer.error().message);
  notes_.output_dir = place->dir;
  notes_.output_name = place->name;
  notes_.staged_name = staged_name(place->name, id_.str());
  notes_.muxer = *muxer;
  if (*muxer == "hls") notes_.segment_prefix = segment_prefix(place->name, id_);
  const std::string full = cat(notes_.output_dir, "/", notes_.output_name);
  notes_.may_replace = p.overwrite || was_granted(notes_.claim.earlier_grants, full);
  struct stat info {};
  if (!notes_.may_replace && lstat(full.c_str(), &info) == 0)
    return failure(FailureReason::kUserError, cat("output exists: ", full, " (overwrite: true replaces it)"));
  return std::nullopt;
}

std::optional<model::AttemptResult> Runner::plan_and_start() {
  const model::Parameters& p = notes_.claim.job.parameters;
  if (auto failed = place_output()) return failed;
  if (auto done = reuse_granted_file()) return done;
  if (!p.input)
    if (auto failed = generate_input()) return failed;

  std::vector<std::string> roots = shared_.settings.input_roots;
  roots.push_back(shared_.settings.work_dir);
  auto opened = media::open_input(p.input.value_or(notes_.input_path), roots);
  if (!opened) return failure(FailureReason::kInputError, cat("input: ", opened.error().message));
  const sys::Fd input_fd(opened->fd);
  notes_.input_path = opened->path;
  notes_.input_bytes = opened->size_bytes;
  auto demuxer = media::sniff_demuxer(opened->path);
  if (!demuxer) return failure(input_failure(demuxer.error()), cat("input: ", demuxer.error().message));
  notes_.demuxer = *demuxer;
  // Groups are made and the supervisor starts while ffprobe looks at the input, which takes longer.
  media::ProbeOptions options;
  options.ffprobe = shared_.settings.ffprobe;
  options.demuxer = *demuxer;
  auto look = std::async(std::launch::async,
                         [&, run = tool_on(opened->path)] { return media::probe_file(opened->path, options, run); });
  if (auto failed = start_supervisor()) return failed;
  auto probe = look.get();
  if (canceled_) return canceled_result(true);
  if (!probe) return failure(input_failure(probe.error()), cat("input: ", probe.error().message));
  auto choice = media::choose_streams(*probe, p, notes_.muxer);
  if (!choice) return failure(FailureReason::kInputError, choice.error().message);
  notes_.maps = choice->maps;
  notes_.left_out = choice->left_out;
  const bool loops = notes_.generated && notes_.generated->loops;
  if (!loops) notes_.input_seconds = probe->duration_seconds;  // else it has no end
  output_seconds_ = shorter(notes_.input_seconds, p.duration_seconds);
  auto encoder = model::choose_encoder(p, encoders_at_hand());
  if (!encoder) return failure(FailureReason::kCapabilityMismatch, encoder.error().message);

  engine::InputFacts facts;
  facts.path = opened->path;
  facts.demuxer = *demuxer;
  facts.duration_seconds = notes_.input_seconds;
  facts.loops = loops;
  facts.has_video = choice->video_streams > 0;
  facts.has_audio = choice->audio_streams > 0;
  facts.maps = choice->maps;
  facts.subtitle_encoders = choice->subtitle_encoders;
  place_streams(facts, *probe);
  for (const media::ProbedStream& stream : probe->streams)
    if (stream.type == "video" && !stream.is_attached_pic && !facts.width) {
      const bool turned = stream.rotation_degrees % 180 != 0;
      facts.width = turned ? stream.height : stream.width;
      facts.height = turned ? stream.width : stream.height;
      facts.fps = stream.fps;
    }
  input_facts_ = std::move(facts);
  return start_with(*encoder);
}

std::optional<model::AttemptResult> Runner::start_supervisor() {
  groups_ = shared_.governor->make(id_.str(), limits_of(notes_.claim.job.resource_limits, means_->ram_total_bytes,
                                                        shared_.concurrency->slots(BootClock::now())));
  notes_.limits = groups_.limits;
  was_supervised_ = true;
  auto prepared = supervisor::Prepared::start(shared_.settings.program, dir_.path(), first_plan());
  if (!prepared) return failure(FailureReason::kPlatformError, prepared.error().message);
  prepared_.emplace(std::move(*prepared));
  return std::nullopt;
}

std::vector<model::Encoder> Runner::encoders_at_hand() const {
  const auto& leased = notes_.claim.attempt.session_device;
  return model::within_sessions(means_->encoders, [&](const std::string& device, int) { return device == leased; });
}

std::optional<model::AttemptResult> Runner::start_with(const model::ChosenEncoder& encoder) {
  const int slots = std::max(1, shared_.settings.slots);
  const int threads = std::max(1, means_->cpu_threads / slots);
  engine::PlanRequest request{notes_.claim.job.parameters, *input_facts_,  staged_file(),           notes_.muxer,
                              encoder.name,                encoder.device, shared_.settings.ffmpeg, threads};
  if (move().is_hls())
    request.segment_pattern = cat(notes_.output_dir, "/", notes_.staged_name, "/", notes_.segment_prefix, "%05d.ts");
  request.live = live_;
  if (auto failed = choose_engine(request)) return failed;
  if (on_gstreamer()) request.program = shared_.settings.gst_launch;
  auto plan = on_gstreamer() ? engine::plan_gstreamer(request, means_->gstreamer) : engine::plan_ffmpeg(request);
  if (!plan) return failure(FailureReason::kUserError, plan.error().message);
  notes_.encoder = plan->encoder;
  notes_.on_hardware = encoder.hardware && !on_gstreamer();
  notes_.command = plan->masked_argv;
  if (const Status saved = dir_.save_notes(notes_); !saved) return failure(FailureReason::kPlatformError, saved.error().message);
  return start_engine(*plan);
}

std::optional<model::AttemptResult> Runner::choose_engine(const engine::PlanRequest& request) {
  const auto& job = notes_.claim.job;
  if (notes_.gstreamer_error) {
    notes_.engine = {"ffmpeg", cat("GStreamer failed, falling back to FFmpeg: ", *notes_.gstreamer_error)};
    return std::nullopt;
  }
  auto chosen = engine::choose_engine({job.engine, job.queue, means_->gstreamer.usable}, job.parameters);
  if (!chosen) return failure(FailureReason::kCapabilityMismatch, chosen.error().message);
  notes_.engine = *std::move(chosen);
  if (!on_gstreamer()) return std::nullopt;
  const auto what = engine::beyond_gstreamer(request, means_->gstreamer);
  if (!what) return std::nullopt;
  if (job.engine == model::Engine::kGstreamer && !job.parameters.allow_fallback)
    return failure(FailureReason::kUserError, cat("engine gstreamer does not do ", *what, ", and allow_fallback is false"));
  notes_.engine = {"ffmpeg", cat("FFmpeg used for ", *what)};
  return std::nullopt;
}

std::string Runner::staged_path() const {
  return notes_.staged_name.empty() ? std::string() : cat(notes_.output_dir, "/", notes_.staged_name);
}

std::string Runner::staged_file() const {
  const std::string staged = staged_path();
  return move().is_hls() ? cat(staged, "/", notes_.output_name) : staged;
}

bool Runner::pipeline_broke(const model::AttemptResult& result) const {
  using supervisor::EndCause;
  if (exit_->cause == EndCause::kStartFailed) return true;
  if (exit_->cause == EndCause::kExited)
    return exit_->exit_code != 0 && result.failure_reason &&
           engine::is_of_pipeline(*result.failure_reason, stderr_tail_);
  // gst-launch-1.0 may tell of its error and then wait for ever for its own threads.
  if (exit_->cause != EndCause::kStalled || engine::error_lines(stderr_tail_).empty()) return false;
  return engine::is_of_pipeline(engine::diagnose(std::nullopt, std::nullopt, stderr_tail_).reason, stderr_tail_);
}

// Counted before the muxer: of what was not counted nothing left the pipeline.
bool Runner::has_sent() const {
  const model::Progress last = engine::parse_progress(exit_->last_progress, output_seconds_);
  return is_live() && (last.frame || last.out_time_ms);
}

bool Runner::can_leave_gstreamer(const model::AttemptResult& result) const {
  const auto& job = notes_.claim.job;
  const bool may_choose = job.engine == model::Engine::kAuto && job.parameters.allow_fallback;
  return on_gstreamer() && may_choose && exit_ && !canceled_ && !should_stop() && input_facts_ &&
         pipeline_broke(result) && !has_sent();
}

std::optional<model::AttemptResult> Runner::restart_with_ffmpeg(const model::AttemptResult& failed) {
  const auto encoder = model::choose_encoder(notes_.claim.job.parameters, encoders_at_hand());
  if (!encoder) return failed;
  notes_.gstreamer_error = failed.error.value_or("failed");
  log::warn("GStreamer failed, going on with FFmpeg", {{"attempt_id", id_.str()}, {"err", *notes_.gstreamer_error}});
  leave_engine();
  if (auto broken = start_supervisor()) return broken;
  return start_with(*encoder);
}

bool Runner::hardware_failed(const model::AttemptResult& result) const {
  const bool engine_failed = result.status == model::ResultStatus::kFailed && exit_ &&
                             exit_->cause == supervisor::EndCause::kExited && exit_->exit_code != 0;
  // ffmpeg's words for a device that is lost, full or too old are those for a job that asks too much.
  const bool may_help =
      result.failure_reason != FailureReason::kInputError && result.failure_reason != FailureReason::kNetworkError;
  return engine_failed && may_help && notes_.on_hardware && !canceled_;
}

bool Runner::can_fall_back(const model::AttemptResult& result) const {
  return hardware_failed(result) && input_facts_ && !should_stop() && notes_.claim.job.parameters.allow_fallback;
}

std::optional<model::AttemptResult> Runner::restart_in_software(const model::AttemptResult& failed) {
  model::Parameters software = notes_.claim.job.parameters;
  software.hwaccel = model::HwAccel::kNone;
  for (const model::Encoder& one : means_->encoders)
    if (one.name == notes_.encoder) software.codec = one.codec;  // a job may name the encoder
  const auto encoder = model::choose_encoder(software, means_->encoders);
  if (!encoder) return failed;
  notes_.fallback_reason = cat(notes_.encoder, ": ", failed.error.value_or("failed"));
  log::warn("hardware encoder failed, going on in software",
            {{"attempt_id", id_.str()}, {"encoder", notes_.encoder}, {"err", failed.error.value_or("")}});
  leave_engine();
  if (auto broken = start_supervisor()) return broken;
  return start_with(*encoder);
}

// What a supervisor has to know before there is an engine for it.
supervisor::Plan Runner::first_plan() const {
  supervisor::Plan plan;
  plan.attempt = id_.str();
  plan.cgroup = groups_.cgroup;
  plan.joins = groups_.joins;
  plan.oom_file = groups_.oom_file;
  plan.log_head_bytes = shared_.settings.log_head_bytes;
  plan.log_tail_bytes = shared_.settings.log_tail_bytes;
  return plan;
}

media::RunTool Runner::tool_on(const std::string& media) const {
  const model::ResourceLimits& limits = notes_.claim.job.resource_limits;
  media::ToolSettings tool{engine_environment(shared_.settings, limits), 10, &stop_tools_};
  tool.max_data_bytes = tool_memory(limits, means_->ram_total_bytes, shared_.settings.slots);
  if (shared_.settings.confine) {
    tool.reach = {means_->tool_reach.readable, means_->tool_reach.writable, {}};
    tool.reach->read.push_back(media);
  }
  return media::make_run_tool(std::move(tool));
}

supervisor::Plan Runner::plan_of(const engine::RunPlan& run, const std::string& written) const {
  const model::ResourceLimits& limits = notes_.claim.job.resource_limits;
  supervisor::Plan plan = first_plan();
  plan.argv = run.argv;
  plan.cwd = "/";
  plan.env = engine_environment(shared_.settings, limits);
  plan.confined = shared_.settings.confine;
  plan.readable = means_->ffmpeg_reach.readable;
  plan.writable = means_->ffmpeg_reach.writable;
  if (!written.empty()) {
    plan.writable.push_back(written);
    plan.watched_paths = {written};
  }
  plan.fence_boot_ns = fence_ns_;
  plan.fence_stop_ms =
      (notes_.claim.attempt.lease_ms - notes_.claim.attempt.fence_ms) / 2;  // another copy may start then
  plan.stall_ms = shared_.settings.stall.count();
  plan.max_disk_bytes = limits.max_disk_mb.value_or(kDefaultDiskMb) << 20;
  return plan;
}

supervisor::Plan Runner::encode_plan(const engine::RunPlan& run) const {
  const std::string staged = staged_path();
  const bool is_tree = move().is_hls();
  supervisor::Plan plan = plan_of(run, is_tree ? std::string() : staged);
  if (on_gstreamer()) {
    plan.progress_format = supervisor::ProgressFormat::kGstreamer;
    plan.readable = means_->gstreamer_reach.readable;
    plan.readable.push_back(plugin_registry_of(shared_.settings));
  }
  plan.readable.push_back(notes_.input_path);
  if (is_tree) {
    plan.writable_trees = {staged};
    plan.watched_paths = {staged};
  }
  if (notes_.generated) plan.watched_paths.push_back(notes_.input_path);
  if (live_)
    for (const std::string& file : {live_->options_file, live_->ca_file})
      if (!file.empty()) plan.readable.push_back(file);
  plan.live_output = is_live();
  // Engines of one attempt share the job's own timeout and a file's deadline; a stream takes its length each time.
  const bool is_shared = notes_.claim.job.resource_limits.timeout_sec || !is_live();
  const auto spent = std::chrono::milliseconds(static_cast<std::int64_t>(notes_.earlier_seconds * 1000));
  plan.deadline_ms = std::max<std::int64_t>(1, (deadline() - (is_shared ? spent : 0ms)).count());
  return plan;
}

std::optional<model::AttemptResult> Runner::start_engine(const engine::RunPlan& run) {
  // The engine may write this file and make none: it has to be there. The notes know of it by now.
  if (!notes_.staged_name.empty())
    if (const Status made = make_staged(move()); !made)
      return failure(FailureReason::kPlatformError, made.error().message);
  auto link = std::move(*prepared_).run(encode_plan(run));
  prepared_.reset();
  if (!link) return failure(FailureReason::kPlatformError, link.error().message);
  link_ = std::move(*link);
  if (paused_) (void)link_->pause();
  if (!input_scan_.valid()) scan_input_later();
  return std::nullopt;
}

// What was made must be in the input's packets: they are read while the engine works.
void Runner::scan_input_later() {
  media::ProbeOptions options;
  options.ffprobe = shared_.settings.ffprobe;
  options.demuxer = notes_.demuxer;
  options.packets = true;
  options.timeout = kScanTime;
  input_scan_ = std::async(std::launch::async, [path = notes_.input_path, options, run = tool_on(notes_.input_path)] {
    return media::probe_file(path, options, run);
  });
}

model::AttemptResult Runner::judge(const supervisor::Exit& exit) {
  using supervisor::EndCause;
  const std::int64_t end = log_end_;
  for (std::int64_t at = std::max(notes_.engine_log_begin, end - kTailBytes); at < end;) {
    auto chunk = supervisor::read_log(dir_.path(), at, kTailBytes);
    if (!chunk || chunk->data.empty()) break;
    stderr_tail_ += chunk->data;
    at = chunk->next_offset;
  }
  model::AttemptResult result;
  if (canceled_) {
    result = canceled_result(exit.graceful);
  } else if (exit.cause == EndCause::kStartFailed) {
    result = failure(FailureReason::kPlatformError, exit.error);
  } else if (exit.cause == EndCause::kStalled) {
    result = failure(FailureReason::kTimeout, cat("stalled: no progress and no CPU time for ", format_duration(shared_.settings.stall)));
    result.timeout_cause = model::TimeoutCause::kStall;
  } else if (exit.cause == EndCause::kDeadline) {
    const model::ResourceLimits& limits = notes_.claim.job.resource_limits;
    result = failure(FailureReason::kTimeout, cat(limits.timeout_sec ? "timeout_sec of the job passed: " : "default deadline passed: ",
                                                  format_duration(deadline())));
    result.timeout_cause = limits.timeout_sec ? model::TimeoutCause::kTimeoutSec : model::TimeoutCause::kDefaultDeadline;
  } else if (exit.cause == EndCause::kFenced) {
    result = failure(FailureReason::kPlatformError, "the master was out of reach for too long");
  } else if (exit.cause == EndCause::kDiskLimit) {
    result = failure(FailureReason::kResourceError, "max_disk_mb exceeded");
  } else if (exit.exit_code != 0 && exit.oom_kills > 0) {
    const auto& asked = notes_.claim.job.resource_limits.max_memory_mb;
    if (!asked) shared_.concurrency->drop(BootClock::now());
    result = failure(FailureReason::kResourceError,
                     asked ? cat("out of memory: max_memory_mb ", *asked, " was reached")
                           : "out of memory: the share of a slot was reached; max_memory_mb sets another limit");
  } else if (exit.exit_code != 0) {
    const auto diagnosis = engine::diagnose(exit.exit_code, exit.signal, stderr_tail_);
    result = failure(diagnosis.reason, diagnosis.error);
  } else {
    result = failure(FailureReason::kUnknown, "");
    result.status = model::ResultStatus::kCompleted;
    result.failure_reason.reset();
    result.error.reset();
  }
  const model::Parameters& p = notes_.claim.job.parameters;
  result.exit_code = exit.exit_code;
  result.signal = exit.signal;
  result.engine = notes_.engine;
  result.encoder = model::EncoderUsed{p.codec, notes_.encoder, notes_.fallback_reason.has_value(), notes_.fallback_reason};
  result.input = input_info();
  result.resources = model::ResourceUse{exit.cpu_seconds, exit.max_rss_bytes, std::nullopt};
  for (const govern::LimitReport& report : notes_.limits)
    if (report.limit == govern::LimitName::kMemoryLimit && report.status == govern::LimitStatus::kApplied)
      result.resources->oom_killed = exit.oom_kills > 0;
  result.limits = tell_limits(notes_.limits, exit.unjoined);
  result.stats = engine::run_stats(engine::parse_progress(exit.last_progress, output_seconds_), exit.run_seconds);
  if (result.status != model::ResultStatus::kCompleted) return result;
  return verify_and_stage(std::move(result));
}

// Runs `work` beside the talk with the master, so that a long check keeps its lease.
template <class Work>
auto Runner::beside_talk(Work work) {
  auto future = std::async(std::launch::async, std::move(work));
  while (future.wait_for(kLookEvery) != std::future_status::ready) {
    carry_out_commands();
    if (!talk(nullptr, model::Phase::kVerifying)) stale();
  }
  return future.get();
}

model::AttemptResult Runner::verify_and_stage(model::AttemptResult result) {
  const BootTime begun = BootClock::now();
  const std::string staged = staged_file();
  const model::Parameters& p = notes_.claim.job.parameters;
  const auto fail = [&](FailureReason reason, const std::string& error) {
    result.status = model::ResultStatus::kFailed;
    result.failure_reason = reason;
    result.error = error;
    return result;
  };
  if (!input_scan_.valid()) scan_input_later();  // of an attempt that was taken up
  media::VerifyOptions options;
  options.level = p.verify.value_or(shared_.settings.verify);
  options.ffmpeg = shared_.settings.verifier;
  options.ffprobe = shared_.settings.ffprobe;
  options.muxer = notes_.muxer;
  if (result.stats) options.frames_encoded = result.stats->frames;
  auto scan = beside_talk([this] { return input_scan_.get(); });
  if (canceled_) return canceled_result(true);
  if (!scan) return fail(input_failure(scan.error()), cat("input: ", scan.error().message));
  if (notes_.generated && notes_.generated->loops) *scan = media::looped(*scan, p.duration_seconds.value_or(0));
  auto expected = media::expect_output(*scan, p, notes_.maps, notes_.muxer);
  if (!expected) return fail(FailureReason::kInputError, expected.error().message);
  if (is_live()) return judge_live(std::move(result), *expected);
  auto verdict =
      beside_talk([&, this] { return media::verify_output(staged, *expected, options, tool_on(staged_path())); });
  if (canceled_) return canceled_result(true);
  if (!verdict)
    return fail(tool_failure(verdict.error()).value_or(FailureReason::kPlatformError),
                cat("verification could not run: ", verdict.error().message));
  result.output = std::move(verdict->output);
  result.output->path = cat(notes_.output_dir, "/", notes_.output_name);
  result.output->left_out = notes_.left_out;
  const media::Changes& changes = expected->changes;
  result.output->left_out.insert(result.output->left_out.end(), changes.left_out.begin(), changes.left_out.end());
  result.output->converted = changes.converted;
  const auto complaints = engine::error_lines(stderr_tail_);
  if (verdict->good && !complaints.empty()) {
    verdict->good = false;
    verdict->error = cat(notes_.engine.used, " exited 0 but said: ", complaints.front());
    result.output->verified = false;
    result.output->verify_error = verdict->error;
  }
  result.stats->verify_seconds = std::chrono::duration<double>(BootClock::now() - begun).count();
  if (verdict->good) return result;
  // On a full disk ffmpeg ends HLS with an empty playlist, at exit 0 and without a word.
  if (const auto full = full_disk(notes_.output_dir))
    return fail(FailureReason::kPlatformError, cat(*full, ": ", verdict->error));
  return fail(FailureReason::kOutputError, verdict->error);
}

std::optional<Runner::End> Runner::publish_staged(model::AttemptResult& result) {
  const auto fail = [&](FailureReason reason, const std::string& error) {
    result.status = model::ResultStatus::kFailed;
    result.failure_reason = reason;
    result.error = error;
    (void)dir_.save_result(result);
    return std::nullopt;
  };
  if (notes_.staged_name.empty() || is_published(move())) return std::nullopt;
  // Of an attempt that was taken up another may have replaced the output meanwhile: what is staged is not ours then.
  const auto mark = sync_staged(move());
  if (!mark) return fail(FailureReason::kPlatformError, mark.error().message);
  notes_.staged_inode = mark->inode;
  notes_.staged_modified_ns = mark->modified_ns;
  if (const Status saved = dir_.save_notes(notes_); !saved) return fail(FailureReason::kPlatformError, saved.error().message);
  auto grant = grant_of_staged();
  if (!grant) return fail(FailureReason::kPlatformError, grant.error().message);
  for (int tries = 0;; ++tries) {
    if (stale_ || abandon_) return End::kStale;
    auto granted = client_->publish(id_, *grant);
    if (granted) break;
    if (!is_worth_another_try(granted.error().code)) return End::kStale;
    if (releasing_ && tries > 0) return End::kUnsent;
    pause_before_try(tries);
  }
  if (fence_passed()) return End::kStale;
  const Status moved = publish(move());
  if (!moved) return fail(moved.error().code == Errc::kForbidden ? FailureReason::kUserError : FailureReason::kPlatformError, moved.error().message);
  return std::nullopt;
}

Result<model::PublishGrant> Runner::grant_of_staged() const {
  const std::string staged = cat(notes_.output_dir, "/", notes_.staged_name);
  // Of a set that was being moved when its worker died, some is there already.
  FFRTMP_ASSIGN(const auto digest,
                move().is_hls() ? digest_of_hls({staged, notes_.output_dir}, notes_.output_name, notes_.segment_prefix)
                                : digest_of(staged));
  return model::PublishGrant{cat(notes_.output_dir, "/", notes_.output_name), digest.size, digest.sha256};
}

// Whether what stands at the output's path is what was granted, and is staged now as well.
bool Runner::copy_granted(const FileDigest& granted) const {
  const std::string staged = cat(notes_.output_dir, "/", notes_.staged_name);
  if (move().is_hls()) {
    if (!make_staged_dir(move())) return false;
    const auto copied = copy_equal_hls(notes_.output_dir, notes_.output_name, granted, staged, notes_.segment_prefix);
    return copied && *copied;
  }
  const std::string path = cat(notes_.output_dir, "/", notes_.output_name);
  const auto equals = [&](const Result<FileDigest>& found) {
    return found && found->size == granted.size && found->sha256 == granted.sha256;
  };
  return equals(digest_of(path)) && copy_file(path, staged) && equals(digest_of(staged));
}

// A former attempt was allowed to publish and its file stands there, equal: the job is done. The file is copied, so that
// the former attempt, should it come back and take its own away, does not take ours.
std::optional<model::AttemptResult> Runner::reuse_granted_file() {
  const std::string path = cat(notes_.output_dir, "/", notes_.output_name);
  for (const model::PublishGrant& grant : notes_.claim.earlier_grants) {
    if (grant.path != path) continue;
    // The copy is known by the notes: a worker that dies over it removes it at its next start.
    if (const Status saved = dir_.save_notes(notes_); !saved) return failure(FailureReason::kPlatformError, saved.error().message);
    if (!copy_granted({grant.size, grant.sha256})) continue;
    model::AttemptResult result = failure(FailureReason::kUnknown, "");
    result.status = model::ResultStatus::kCompleted;
    result.failure_reason.reset();
    result.error.reset();
    result.output = model::OutputInfo{};
    result.output->path = path;
    result.output->size_bytes = grant.size;
    result.output->verified = true;
    return result;
  }
  return std::nullopt;
}

}  // namespace ffrtmp::worker
