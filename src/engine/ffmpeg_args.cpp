// plan_ffmpeg: the command line, section by section, each option with its reason.
#include "base/text.h"
#include "engine/encoder_options.h"
#include "engine/engine.h"
#include "engine/live_options.h"
#include "model/encoder_hardware.h"
#include "model/frame_rate.h"
#include "model/live_url.h"
#include "model/media_names.h"

namespace ffrtmp::engine {
namespace {

using Args = std::vector<std::string>;
using model::AudioCodec;
using model::number_text;
using model::is_live;
using model::OutputMode;
using model::rate_text;

constexpr int kHlsSegmentSeconds = 3;

void add(Args& out, const Args& more) { out.insert(out.end(), more.begin(), more.end()); }

std::string_view scheme_of(std::string_view path) {
  const std::size_t at = path.find("://");
  return at == std::string_view::npos ? std::string_view("file") : path.substr(0, at);
}

// The protocols an input may use: its own and what that one is built on, so that a redirect or a reference inside the
// file leads nowhere else.
std::string protocols_for(std::string_view scheme) {
  if (scheme == "http" || scheme == "rtmp") return cat(scheme, ",tcp");
  if (scheme == "https") return "https,tls,tcp";
  if (scheme == "rtmps") return "rtmps,tls,tcp";
  return std::string(scheme);
}

std::string location(const std::string& path) { return scheme_of(path) == "file" ? cat("file:", path) : path; }

Args global_options() {
  return {"-nostdin", "-hide_banner", "-loglevel", "level+warning",  // tags each line, so that error_lines tells
                                                                     // errors from remarks
          "-nostats", "-progress", "{progress}", "-stats_period", "0.5",
          "-xerror",  // a damaged input ends the run: without it ffmpeg conceals the damage and exits 0
          "-y"};      // the staged file is the attempt's own; nobody else's is ever named here
}

Args input_options(const InputFacts& input, OutputMode mode) {
  Args out;
  if (is_live(mode)) out = {"-re"};  // as fast as it is watched
  add(out, {"-protocol_whitelist", protocols_for(scheme_of(input.path))});
  // The demuxer is told, never guessed; the list stops what it would open inside.
  if (!input.demuxer.empty()) add(out, {"-format_whitelist", input.demuxer, "-f", input.demuxer});
  if (input.loops) add(out, {"-stream_loop", "-1"});
  add(out, {"-i", location(input.path)});
  return out;
}

std::string scale_filter(const PlanRequest& request) {
  const model::Parameters& p = request.parameters;
  if (p.width && p.height) return cat("scale=", *p.width, ":", *p.height);
  const InputFacts& in = request.input;
  // 4:2:0 and 4:2:2 have no odd sizes.
  if ((in.width.value_or(0) % 2 != 0 || in.height.value_or(0) % 2 != 0) && p.pixel_format != "yuv444p")
    return "scale=trunc(iw/2)*2:trunc(ih/2)*2";
  return {};
}

// x265 takes one -x265-params only: the user's are joined to ours, and win.
Args join_x265(Args ours, Args& extra) {
  for (std::size_t i = 0; i + 1 < extra.size(); i += 2) {
    if (extra[i] != "-x265-params") continue;
    for (std::size_t k = 0; k + 1 < ours.size(); k += 2)
      if (ours[k] == "-x265-params") ours[k + 1] = cat(ours[k + 1], ":", extra[i + 1]);
    extra.erase(extra.begin() + static_cast<std::ptrdiff_t>(i), extra.begin() + static_cast<std::ptrdiff_t>(i) + 2);
    break;
  }
  return ours;
}

Args video_options(const PlanRequest& request) {
  const model::Parameters& p = request.parameters;
  if (!request.input.has_video) return {"-vn"};
  if (request.encoder == "copy") return {"-c:v", "copy"};
  Args out;
  // A rate that is asked for is made by the filter: two seconds at 15 are 30 pictures. The output option -r fills the
  // encoder's delay up and gives 32. Scaling comes after it, so that no dropped picture is scaled.
  std::vector<std::string> chain;
  if (p.fps) chain.push_back(cat("fps=", rate_text(*p.fps)));
  if (std::string scale = scale_filter(request); !scale.empty()) chain.push_back(std::move(scale));
  const model::EncoderApi api = model::api_of(request.encoder);
  if (api != model::EncoderApi::kSoftware) chain.push_back(model::upload_filter(api, p.pixel_format));
  if (!chain.empty()) add(out, {"-vf", join(chain, ",")});
  // The times as they are, also when they vary; mp4 would be filled up to the highest rate of a VFR input.
  add(out, {"-fps_mode", "vfr"});
  // A software encoder takes planes.
  if (api == model::EncoderApi::kSoftware) add(out, {"-pix_fmt", std::string(model::stored_format(p.pixel_format))});
  add(out, {"-c:v", request.encoder});
  add(out, model::choose_device_options(api, request.device));
  add(out, preset_options(request.encoder, resolve_preset(p.preset, request.threads_per_slot)));
  add(out, rate_options(request.encoder, p));
  if (is_live(p.output_mode)) add(out, live_video_options(p, request.input));
  if (p.threads) add(out, {"-threads:v", cat(*p.threads)});
  // Segments can only begin at key frames.
  if (p.output_mode == OutputMode::kHls)
    add(out, {"-force_key_frames", cat("expr:gte(t,n_forced*", kHlsSegmentSeconds, ")")});
  Args extra = p.extra_args;
  add(out, join_x265(habit_options(request.encoder, request.muxer), extra));
  add(out, extra);
  return out;
}

AudioCodec default_audio(std::string_view muxer) {
  if (muxer == "webm" || muxer == "ogg") return AudioCodec::kOpus;
  return muxer == "mp3" ? AudioCodec::kMp3 : AudioCodec::kAac;
}

Args audio_options(const PlanRequest& request) {
  const model::Parameters& p = request.parameters;
  const AudioCodec codec = p.audio_codec.value_or(default_audio(request.muxer));
  if (!request.input.has_audio || codec == AudioCodec::kNone) return {"-an"};
  if (codec == AudioCodec::kCopy) return {"-c:a", "copy"};
  const char* const name = codec == AudioCodec::kOpus ? "libopus" : codec == AudioCodec::kMp3 ? "libmp3lame" : "aac";
  Args out{"-c:a", name, "-b:a", cat(p.audio_bitrate_bps)};
  if (is_live(p.output_mode)) add(out, live_audio_options());
  // libopus refuses the side speakers of AC-3's 5.1; the layouts of RFC 7845, 5.1.1.2, have them behind.
  if (codec == AudioCodec::kOpus) add(out, {"-af", "aformat=channel_layouts=mono|stereo|3.0|quad|5.0|5.1|6.1|7.1"});
  return out;
}

Args subtitle_options(const InputFacts& input) {
  if (input.subtitle_encoders.empty()) return {"-sn"};
  Args out;
  for (std::size_t i = 0; i < input.subtitle_encoders.size(); ++i)
    add(out, {cat("-c:s:", i), input.subtitle_encoders[i]});
  return out;
}

Args output_options(const PlanRequest& request) {
  const model::Parameters& p = request.parameters;
  Args out{"-dn"};
  if (p.duration_seconds) add(out, {"-t", number_text(*p.duration_seconds)});
  // Encoders that look far ahead (AV1) hold video back for longer than the default of 128 packets of sound.
  add(out, {"-max_muxing_queue_size", "4096"});
  if (request.live) {
    add(out, live_output_options(*request.live, request.muxer));
    return out;
  }
  if (p.output_mode == OutputMode::kHls)
    add(out, {"-hls_time", cat(kHlsSegmentSeconds), "-hls_list_size", "0", "-hls_playlist_type", "vod",
              "-hls_segment_filename", cat("file:", request.segment_pattern)});
  add(out, {"-f", request.muxer, cat("file:", request.output_path)});
  return out;
}

Status check_request(const PlanRequest& request) {
  const model::Parameters& p = request.parameters;
  if (is_live(p.output_mode) != request.live.has_value())
    return make_error(Errc::kInternal, "a live output and its address go together");
  if (request.encoder != "copy") return {};
  if (p.width || p.height) return field_error("parameters.resolution", "a copied video keeps its size");
  if (p.fps) return field_error("parameters.fps", "a copied video keeps its frame rate");
  if (p.crf || p.bitrate_bps)
    return field_error(p.crf ? "parameters.crf" : "parameters.bitrate", "a copied video keeps its bit rate");
  return {};
}

}  // namespace

Result<RunPlan> plan_ffmpeg(const PlanRequest& request) {
  FFRTMP_TRY(check_request(request));
  RunPlan plan;
  plan.encoder = request.encoder;
  plan.encoder_requested = request.parameters.codec;
  plan.argv = {request.program};
  add(plan.argv, global_options());
  add(plan.argv, model::open_device_options(model::api_of(request.encoder), request.device));
  add(plan.argv, input_options(request.input, request.parameters.output_mode));
  for (const std::string& map : request.input.maps) add(plan.argv, {"-map", map});
  add(plan.argv, video_options(request));
  add(plan.argv, audio_options(request));
  add(plan.argv, subtitle_options(request.input));
  add(plan.argv, output_options(request));
  for (const std::string& arg : plan.argv)
    plan.masked_argv.push_back(mask_secrets(arg, request.parameters.stream_key.value_or("")));
  return plan;
}

}  // namespace ffrtmp::engine
