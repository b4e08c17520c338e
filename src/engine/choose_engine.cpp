#include "engine/choose_engine.h"

#include "base/text.h"

namespace ffrtmp::engine {
namespace {

using model::Engine;
using model::EngineUsed;
using model::OutputMode;

constexpr const char* kFfmpeg = "ffmpeg";
constexpr const char* kGstreamer = "gstreamer";

Result<EngineUsed> as_named(const EngineFacts& facts, const model::Parameters& p) {
  if (facts.asked == Engine::kFfmpeg)
    return EngineUsed{kFfmpeg, cat("Engine explicitly set to ", kFfmpeg, " via job parameters")};
  if (facts.gstreamer_available)
    return EngineUsed{kGstreamer, cat("Engine explicitly set to ", kGstreamer, " via job parameters")};
  if (p.allow_fallback) return EngineUsed{kFfmpeg, "GStreamer requested but not available, falling back to FFmpeg"};
  return make_error(Errc::kUnsupported, "engine gstreamer is not available on this node");
}

// What the GStreamer pipelines do not do, named; empty: nothing of it.
std::string needs_ffmpeg(const model::Parameters& p) {
  if (p.crf) return "crf";
  if (!p.extra_args.empty()) return "extra_args";
  if (p.codec != "h264") return cat("codec ", p.codec);
  const std::string_view output = p.output ? std::string_view(*p.output) : std::string_view();
  if (output.starts_with("srt:")) return "output to srt";
  if (output.starts_with("udp:")) return "output to udp";
  return {};
}

}  // namespace

Result<EngineUsed> choose_engine(const EngineFacts& facts, const model::Parameters& p) {
  if (facts.asked != Engine::kAuto) return as_named(facts, p);
  if (p.output_mode == OutputMode::kFile || p.output_mode == OutputMode::kHls)
    return EngineUsed{kFfmpeg, "File/batch processing - FFmpeg preferred"};
  if (const std::string what = needs_ffmpeg(p); !what.empty())
    return EngineUsed{kFfmpeg, cat("FFmpeg used for ", what)};
  const bool gstreamer = facts.gstreamer_available;
  if (facts.queue == model::Queue::kLive)
    return gstreamer ? EngineUsed{kGstreamer, "LIVE queue job - GStreamer preferred for low-latency streaming"}
                     : EngineUsed{kFfmpeg, "LIVE queue job but GStreamer not available, using FFmpeg"};
  return gstreamer ? EngineUsed{kGstreamer, "Streaming output mode - GStreamer preferred for RTMP"}
                   : EngineUsed{kFfmpeg, "Streaming output mode but GStreamer not available, using FFmpeg"};
}

}  // namespace ffrtmp::engine
