#include "engine/choose_engine.h"

#include <gtest/gtest.h>

#include <functional>

namespace ffrtmp::engine {
namespace {

using model::Engine;
using model::OutputMode;
using model::Parameters;
using model::Queue;

constexpr const char* kExplicitFfmpeg = "Engine explicitly set to ffmpeg via job parameters";
constexpr const char* kExplicitGstreamer = "Engine explicitly set to gstreamer via job parameters";
constexpr const char* kFellBack = "GStreamer requested but not available, falling back to FFmpeg";
constexpr const char* kFile = "File/batch processing - FFmpeg preferred";
constexpr const char* kLive = "LIVE queue job - GStreamer preferred for low-latency streaming";
constexpr const char* kLiveWithout = "LIVE queue job but GStreamer not available, using FFmpeg";
constexpr const char* kStreaming = "Streaming output mode - GStreamer preferred for RTMP";
constexpr const char* kStreamingWithout = "Streaming output mode but GStreamer not available, using FFmpeg";
constexpr const char* kRefused = "engine gstreamer is not available on this node";

struct Row {
  const char* name;
  EngineFacts facts;
  std::function<void(Parameters&)> set;
  const char* used;  // "" with a refusal
  const char* reason;
};

void rtmp(Parameters& p) { p.output_mode = OutputMode::kRtmp; }
void stream(Parameters& p) { p.output_mode = OutputMode::kStream; }
void nothing(Parameters&) {}
std::function<void(Parameters&)> rtmp_with(const std::function<void(Parameters&)>& more) {
  return [more](Parameters& p) {
    rtmp(p);
    more(p);
  };
}
std::function<void(Parameters&)> stream_to(const char* output) {
  return [output](Parameters& p) {
    stream(p);
    p.output = output;
  };
}

constexpr bool kHere = true;
constexpr bool kAbsent = false;

class ChooseEngine : public testing::TestWithParam<Row> {};

TEST_P(ChooseEngine, FirstMatch) {
  Parameters p;
  GetParam().set(p);
  const auto chosen = choose_engine(GetParam().facts, p);
  if (*GetParam().used == '\0') {
    ASSERT_FALSE(chosen);
    EXPECT_EQ(chosen.error().code, Errc::kUnsupported);
    EXPECT_EQ(chosen.error().message, GetParam().reason);
    return;
  }
  ASSERT_TRUE(chosen) << chosen.error().message;
  EXPECT_EQ(chosen->used, GetParam().used);
  EXPECT_EQ(chosen->reason, GetParam().reason);
}

void without_fallback(Parameters& p) { p.allow_fallback = false; }

INSTANTIATE_TEST_SUITE_P(
    Rows, ChooseEngine,
    testing::Values(
        // What is named wins over everything below it.
        Row{"named_ffmpeg", {Engine::kFfmpeg, Queue::kLive, kHere}, rtmp, "ffmpeg", kExplicitFfmpeg},
        Row{"named_ffmpeg_file", {Engine::kFfmpeg, Queue::kDefault, kAbsent}, nothing, "ffmpeg", kExplicitFfmpeg},
        Row{"named_gstreamer", {Engine::kGstreamer, Queue::kDefault, kHere}, rtmp, "gstreamer", kExplicitGstreamer},
        Row{"named_gstreamer_file",
            {Engine::kGstreamer, Queue::kDefault, kHere},
            nothing,
            "gstreamer",
            kExplicitGstreamer},
        Row{"named_gstreamer_absent", {Engine::kGstreamer, Queue::kDefault, kAbsent}, rtmp, "ffmpeg", kFellBack},
        Row{"named_gstreamer_refused",
            {Engine::kGstreamer, Queue::kLive, kAbsent},
            rtmp_with(without_fallback),
            "",
            kRefused},
        // Files, whatever queue they wait in.
        Row{"file", {Engine::kAuto, Queue::kDefault, kHere}, nothing, "ffmpeg", kFile},
        Row{"file_live_queue", {Engine::kAuto, Queue::kLive, kHere}, nothing, "ffmpeg", kFile},
        Row{"hls",
            {Engine::kAuto, Queue::kLive, kHere},
            [](Parameters& p) { p.output_mode = OutputMode::kHls; },
            "ffmpeg",
            kFile},
        Row{"file_crf", {Engine::kAuto, Queue::kDefault, kHere}, [](Parameters& p) { p.crf = 20; }, "ffmpeg", kFile},
        // What only ffmpeg does.
        Row{"crf",
            {Engine::kAuto, Queue::kLive, kHere},
            rtmp_with([](Parameters& p) { p.crf = 20; }),
            "ffmpeg",
            "FFmpeg used for crf"},
        Row{"extra_args",
            {Engine::kAuto, Queue::kLive, kHere},
            rtmp_with([](Parameters& p) {
              p.extra_args = {"-g", "30"};
            }),
            "ffmpeg",
            "FFmpeg used for extra_args"},
        Row{"codec",
            {Engine::kAuto, Queue::kLive, kHere},
            rtmp_with([](Parameters& p) { p.codec = "h265"; }),
            "ffmpeg",
            "FFmpeg used for codec h265"},
        Row{"copy",
            {Engine::kAuto, Queue::kDefault, kHere},
            rtmp_with([](Parameters& p) { p.codec = "copy"; }),
            "ffmpeg",
            "FFmpeg used for codec copy"},
        Row{"srt",
            {Engine::kAuto, Queue::kLive, kHere},
            stream_to("srt://host:9000"),
            "ffmpeg",
            "FFmpeg used for output to srt"},
        Row{"udp",
            {Engine::kAuto, Queue::kLive, kHere},
            stream_to("udp://host:9000"),
            "ffmpeg",
            "FFmpeg used for output to udp"},
        // The live queue, then any stream.
        Row{"live", {Engine::kAuto, Queue::kLive, kHere}, rtmp, "gstreamer", kLive},
        Row{"live_without", {Engine::kAuto, Queue::kLive, kAbsent}, rtmp, "ffmpeg", kLiveWithout},
        Row{"live_stream", {Engine::kAuto, Queue::kLive, kHere}, stream_to("rtmp://host/live/x"), "gstreamer", kLive},
        Row{"rtmp", {Engine::kAuto, Queue::kDefault, kHere}, rtmp, "gstreamer", kStreaming},
        Row{"stream", {Engine::kAuto, Queue::kBatch, kHere}, stream, "gstreamer", kStreaming},
        Row{"rtmp_without", {Engine::kAuto, Queue::kDefault, kAbsent}, rtmp, "ffmpeg", kStreamingWithout}),
    [](const auto& i) { return std::string(i.param.name); });

}  // namespace
}  // namespace ffrtmp::engine
