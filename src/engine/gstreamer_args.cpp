#include "engine/gstreamer_args.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "engine/encoder_options.h"
#include "engine/live_options.h"
#include "model/frame_rate.h"
#include "model/live_url.h"

namespace ffrtmp::engine {
namespace {

using Args = std::vector<std::string>;
using model::AudioCodec;
using model::is_live;

constexpr int kSoundPiecesASecond = 50;          // sound is cut to 1/50 s
constexpr std::int64_t kMostVoAacBps = 320'000;  // range of voaacenc's property

// ffmpeg's name of a format, and the element for it.
struct Part {
  std::string_view format;
  std::string_view element;
};
constexpr std::array kDemuxers{Part{"mov", "qtdemux"}, Part{"matroska", "matroskademux"}, Part{"flv", "flvdemux"}};
constexpr std::array kMuxers{Part{"mp4", "mp4mux"}, Part{"matroska", "matroskamux"}, Part{"flv", "flvmux"}};

template <std::size_t N>
std::string_view element_for(const std::array<Part, N>& parts, std::string_view format) {
  const auto at = std::find_if(parts.begin(), parts.end(), [&](const Part& part) { return part.format == format; });
  return at == parts.end() ? std::string_view() : at->element;
}

void add(Args& out, const Args& more) { out.insert(out.end(), more.begin(), more.end()); }

void link(Args& out, const Args& element) {
  out.emplace_back("!");
  add(out, element);
}

// The encoder holds pictures back for seconds: what waits for them in other branches has to find room. Bounded by bytes
// alone, of coded data.
Args coded_queue() { return {"queue", "max-size-buffers=0", "max-size-time=0", "max-size-bytes=67108864"}; }
Args raw_queue() { return {"queue", "max-size-buffers=4", "max-size-time=0", "max-size-bytes=0"}; }

bool has_sound(const PlanRequest& request) {
  return request.input.has_audio && request.parameters.audio_codec != AudioCodec::kNone;
}

// A picture rate there must be where pictures are counted.
std::optional<double> output_fps(const PlanRequest& request) {
  const model::Parameters& p = request.parameters;
  if (p.fps) return p.fps;
  return p.duration_seconds ? std::optional(usual_fps(p, request.input)) : std::nullopt;
}

// Ends the stream after `buffers`. What comes before may push one more after it was told that it is over, which the
// second element ends; without the queue some decoders push on for ever.
void cut(Args& out, long long buffers) {
  link(out, raw_queue());
  for (int i = 0; i < 2; ++i) link(out, {"identity", cat("eos-after=", buffers + 1)});
}

std::string picture_caps(const PlanRequest& request) {
  const model::Parameters& p = request.parameters;
  std::string out = "video/x-raw,format=I420";
  if (p.width && p.height) {
    out += cat(",width=", *p.width, ",height=", *p.height, ",pixel-aspect-ratio=1/1");
  } else if (request.input.width.value_or(0) % 2 != 0 || request.input.height.value_or(0) % 2 != 0) {
    // 4:2:0 has no odd sizes.
    out += cat(",width=", *request.input.width / 2 * 2, ",height=", *request.input.height / 2 * 2);
  }
  if (const auto fps = output_fps(request)) out += cat(",framerate=", model::rate_fraction(*fps));
  return out;
}

Args encoder_element(const PlanRequest& request) {
  const model::Parameters& p = request.parameters;
  // kbit/s. The buffer is one second, as ffmpeg's bufsize = bitrate.
  Args out{"x264enc",
           cat("bitrate=", std::llround(static_cast<double>(p.bitrate_bps.value_or(kDefaultBitrateBps)) / 1000)),
           "vbv-buf-capacity=1000", cat("speed-preset=", resolve_preset(p.preset, request.threads_per_slot))};
  if (p.threads) out.push_back(cat("threads=", *p.threads));
  if (!is_live(p.output_mode)) return out;
  add(out, {cat("key-int-max=", key_frame_interval(p, request.input)), "tune=zerolatency"});
  return out;
}

void end_branch(Args& out, const PlanRequest& request) {
  if (is_live(request.parameters.output_mode)) link(out, {"clocksync"});  // as fast as it is watched
  link(out, coded_queue());
  link(out, {"out."});
}

Args picture_branch(const PlanRequest& request, std::string_view demuxer) {
  const model::Parameters& p = request.parameters;
  Args out{demuxer == "flvdemux" ? "in.video" : cat("in.video_", request.input.video_number)};
  link(out, coded_queue());
  link(out, {"decodebin"});
  link(out, {"videoflip", "video-direction=auto"});
  if (output_fps(request)) link(out, {"videorate"});
  link(out, {"videoscale"});
  link(out, {"videoconvert"});
  link(out, {picture_caps(request)});
  if (p.duration_seconds) cut(out, std::max<long long>(1, std::llround(*p.duration_seconds * *output_fps(request))));
  link(out, encoder_element(request));
  link(out, {"h264parse"});
  link(out, {"identity", "name=frames", "silent=false"});
  end_branch(out, request);
  return out;
}

std::string sound_caps(const PlanRequest& request) {
  if (is_live(request.parameters.output_mode)) return "audio/x-raw,rate=48000,channels=2";
  // Some decoders make two channels of one.
  const auto channels = request.input.audio_channels;
  return channels ? cat("audio/x-raw,channels=", *channels) : "audio/x-raw";
}

Args sound_branch(const PlanRequest& request, std::string_view demuxer, const std::string& aac) {
  const model::Parameters& p = request.parameters;
  Args out{demuxer == "flvdemux" ? "in.audio" : cat("in.audio_", request.input.audio_number)};
  link(out, coded_queue());
  link(out, {"decodebin"});
  link(out, {"audioconvert"});
  link(out, {"audioresample"});
  link(out, {sound_caps(request)});
  if (p.duration_seconds) {
    link(out, {"audiobuffersplit", cat("output-buffer-duration=1/", kSoundPiecesASecond)});
    cut(out, std::max<long long>(1, std::llround(*p.duration_seconds * kSoundPiecesASecond)));
  }
  link(out, {aac, cat("bitrate=", p.audio_bitrate_bps)});
  link(out, {"aacparse"});
  if (!request.input.has_video) link(out, {"identity", "name=sound", "silent=false"});
  end_branch(out, request);
  return out;
}

Args output_elements(const PlanRequest& request, const model::Gstreamer& gstreamer) {
  const bool live = is_live(request.parameters.output_mode);
  Args out{std::string(element_for(kMuxers, request.muxer)), "name=out"};
  if (live) out.emplace_back("streamable=true");
  if (live)
    link(out, {model::rtmp_sink_of(gstreamer), cat("location=", quote_property(request.live->url))});
  else
    link(out, {"filesink", cat("location=", quote_property(request.output_path))});
  return out;
}

std::optional<std::string> beyond_parameters(const model::Parameters& p) {
  if (p.codec != "h264") return cat("codec ", p.codec);
  if (p.crf) return "crf";
  if (!p.extra_args.empty()) return "extra_args";
  if (p.output_mode == model::OutputMode::kHls) return "output to hls";
  if (p.pixel_format != "yuv420p" && p.pixel_format != "nv12") return cat("pixel format ", p.pixel_format);
  if (p.hwaccel != model::HwAccel::kAuto && p.hwaccel != model::HwAccel::kNone) return "a named hwaccel";
  const AudioCodec audio = p.audio_codec.value_or(AudioCodec::kAac);
  if (audio == AudioCodec::kOpus) return "audio codec opus";
  if (audio == AudioCodec::kMp3) return "audio codec mp3";
  if (audio == AudioCodec::kCopy) return "copied audio";
  return std::nullopt;
}

std::optional<std::string> beyond_output(const PlanRequest& request, const model::Gstreamer& gstreamer) {
  const std::string_view muxer = element_for(kMuxers, request.muxer);
  if (muxer.empty() || !model::has_element(gstreamer, muxer)) return cat("output as ", request.muxer);
  if (!is_live(request.parameters.output_mode)) return std::nullopt;
  if (!request.live) return "an output without an address";
  if (!request.live->url.starts_with("rtmp://"))
    return cat("output to ", request.live->url.substr(0, request.live->url.find(':')));
  // gst-launch-1.0 has no place for it but its arguments, which every user of the host can read.
  if (request.parameters.stream_key) return "a stream key";
  if (model::rtmp_sink_of(gstreamer).empty()) return "output to rtmp";
  return std::nullopt;
}

std::optional<std::string> beyond_input(const PlanRequest& request, const model::Gstreamer& gstreamer) {
  const InputFacts& in = request.input;
  const std::string_view demuxer = element_for(kDemuxers, in.demuxer);
  if (demuxer.empty() || !model::has_element(gstreamer, demuxer)) return cat("input of format ", in.demuxer);
  if (!in.subtitle_encoders.empty()) return "subtitles";
  const std::size_t streams = (in.has_video ? 1U : 0U) + (in.has_audio ? 1U : 0U);
  if (in.maps.size() > streams) return "more than one video or audio stream";
  if (!has_sound(request)) return in.has_video ? std::nullopt : std::optional<std::string>("an output without streams");
  const std::string aac = model::aac_encoder_of(gstreamer);
  if (aac.empty()) return "sound, for lack of an AAC encoder";
  if (request.parameters.duration_seconds && !model::has_element(gstreamer, "audiobuffersplit"))
    return "sound of a given duration";
  if (aac != "voaacenc") return std::nullopt;
  if (request.parameters.audio_bitrate_bps > kMostVoAacBps)
    return cat("audio_bitrate above ", kMostVoAacBps / 1000, "k");
  if (in.audio_channels.value_or(2) > 2 && !is_live(request.parameters.output_mode))
    return cat("sound of ", *in.audio_channels, " channels");
  return std::nullopt;
}

}  // namespace

// In double quotes a backslash takes the next character as it is. Source: gst-launch-1.0(1) and gst_parse_unescape.
std::string quote_property(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::optional<std::string> beyond_gstreamer(const PlanRequest& request, const model::Gstreamer& gstreamer) {
  if (auto what = beyond_parameters(request.parameters)) return what;
  if (auto what = beyond_output(request, gstreamer)) return what;
  return beyond_input(request, gstreamer);
}

Result<RunPlan> plan_gstreamer(const PlanRequest& request, const model::Gstreamer& gstreamer) {
  if (const auto what = beyond_gstreamer(request, gstreamer)) return make_error(Errc::kUnsupported, *what);
  const std::string_view demuxer = element_for(kDemuxers, request.input.demuxer);
  RunPlan plan;
  plan.encoder = "x264enc";
  plan.encoder_requested = request.parameters.codec;
  plan.argv = {request.program, "-v", "filesrc", cat("location=", quote_property(request.input.path))};
  link(plan.argv, {std::string(demuxer), "name=in"});
  if (request.input.has_video) add(plan.argv, picture_branch(request, demuxer));
  if (has_sound(request)) add(plan.argv, sound_branch(request, demuxer, model::aac_encoder_of(gstreamer)));
  add(plan.argv, output_elements(request, gstreamer));
  for (const std::string& arg : plan.argv)
    plan.masked_argv.push_back(mask_secrets(arg, request.parameters.stream_key.value_or("")));
  return plan;
}

}  // namespace ffrtmp::engine
