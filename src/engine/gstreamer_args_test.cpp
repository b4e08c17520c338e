#include "engine/gstreamer_args.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace ffrtmp::engine {
namespace {

model::Gstreamer whole() {
  model::Gstreamer out;
  out.usable = true;
  out.elements.assign(model::kGstreamerElements.begin(), model::kGstreamerElements.end());
  std::erase(out.elements, "fdkaacenc");
  std::erase(out.elements, "avenc_aac");
  return out;
}

InputFacts facts() {
  InputFacts in;
  in.path = "/in/a.mp4";
  in.demuxer = "mov";
  in.has_audio = true;
  in.width = 1280;
  in.height = 720;
  in.fps = 30000.0 / 1001;
  in.maps = {"0:0", "0:1"};
  return in;
}

PlanRequest request(const model::Parameters& p, const InputFacts& in, const std::string& muxer = "mp4") {
  return {p, in, "/out/b.part." + muxer, muxer, "libx264", {}, "gst-launch-1.0", 2};
}

std::string planned(const PlanRequest& request, const model::Gstreamer& gstreamer = whole()) {
  auto plan = plan_gstreamer(request, gstreamer);
  return plan ? join(plan->argv, " ") : cat("error: ", plan.error().message);
}

const std::string kQueue = "queue max-size-buffers=0 max-size-time=0 max-size-bytes=67108864";

TEST(PlanGstreamer, DefaultJob) {
  const InputFacts in = facts();
  const model::Parameters p;
  EXPECT_EQ(
      planned(request(p, in)),
      "gst-launch-1.0 -v filesrc location=\"/in/a.mp4\" ! qtdemux name=in"
      " in.video_0 ! " +
          kQueue +
          " ! decodebin ! videoflip video-direction=auto ! videoscale ! videoconvert"
          " ! video/x-raw,format=I420 ! x264enc bitrate=2000 vbv-buf-capacity=1000 speed-preset=ultrafast ! h264parse"
          " ! identity name=frames silent=false ! " +
          kQueue +
          " ! out."
          " in.audio_0 ! " +
          kQueue +
          " ! decodebin ! audioconvert ! audioresample ! audio/x-raw"
          " ! voaacenc bitrate=128000 ! aacparse ! " +
          kQueue +
          " ! out."
          " mp4mux name=out ! filesink location=\"/out/b.part.mp4\"");
}

TEST(PlanGstreamer, EverythingAsked) {  // contract: F40
  model::Parameters p;
  p.bitrate_bps = 10'000'000;
  p.preset = "slow";
  p.width = 640;
  p.height = 360;
  p.fps = 25;
  p.duration_seconds = 4.5;
  p.threads = 3;
  p.audio_bitrate_bps = 96000;
  InputFacts in = facts();
  in.demuxer = "matroska";
  in.audio_number = 1;
  in.audio_channels = 1;
  const std::string raw = "queue max-size-buffers=4 max-size-time=0 max-size-bytes=0";
  EXPECT_EQ(planned(request(p, in, "matroska")),
            "gst-launch-1.0 -v filesrc location=\"/in/a.mp4\" ! matroskademux name=in"
            " in.video_0 ! " +
                kQueue +
                " ! decodebin ! videoflip video-direction=auto ! videorate ! videoscale ! videoconvert"
                " ! video/x-raw,format=I420,width=640,height=360,pixel-aspect-ratio=1/1,framerate=25/1"
                " ! " +
                raw +
                " ! identity eos-after=114 ! identity eos-after=114"
                " ! x264enc bitrate=10000 vbv-buf-capacity=1000 speed-preset=slow threads=3 ! h264parse"
                " ! identity name=frames silent=false ! " +
                kQueue +
                " ! out."
                " in.audio_1 ! " +
                kQueue +
                " ! decodebin ! audioconvert ! audioresample ! audio/x-raw,channels=1"
                " ! audiobuffersplit output-buffer-duration=1/50 ! " +
                raw +
                " ! identity eos-after=226 ! identity eos-after=226"
                " ! voaacenc bitrate=96000 ! aacparse ! " +
                kQueue +
                " ! out."
                " matroskamux name=out ! filesink location=\"/out/b.part.matroska\"");
}

TEST(PlanGstreamer, LiveIsPacedWithAKeyFrameEachTwoSeconds) {
  model::Parameters p;
  p.output_mode = model::OutputMode::kRtmp;
  p.bitrate_bps = 3'000'000;
  const InputFacts in = facts();
  PlanRequest live = request(p, in, "flv");
  live.live = LiveOutput{"rtmp://192.0.2.1:1935/live/x", {}, {}, {}};
  const std::string line = planned(live);
  EXPECT_NE(
      line.find(" x264enc bitrate=3000 vbv-buf-capacity=1000 speed-preset=ultrafast key-int-max=60 tune=zerolatency !"),
      std::string::npos)
      << line;
  EXPECT_NE(line.find("name=frames silent=false ! clocksync ! queue"), std::string::npos);
  EXPECT_NE(line.find("audio/x-raw,rate=48000,channels=2"), std::string::npos);
  EXPECT_TRUE(line.ends_with("flvmux name=out streamable=true ! rtmp2sink location=\"rtmp://192.0.2.1:1935/live/x\""))
      << line;

  auto without = whole();
  std::erase(without.elements, "rtmp2sink");
  EXPECT_NE(planned(live, without).find(" ! rtmpsink location="), std::string::npos);
  std::erase(without.elements, "rtmpsink");
  EXPECT_EQ(planned(live, without), "error: output to rtmp");
  p.stream_key = "secret";
  EXPECT_EQ(planned(live), "error: a stream key") << "the arguments can be read by everybody";
  p.stream_key.reset();
  live.live->url = "srt://192.0.2.1:9000";
  EXPECT_EQ(planned(live), "error: output to srt");
}

TEST(PlanGstreamer, OddSizesSoundAloneAndPicturesAlone) {
  model::Parameters p;
  p.fps = 29.97;
  InputFacts in = facts();
  in.width = 641;
  in.has_audio = false;
  in.maps = {"0:0"};
  std::string line = planned(request(p, in));
  EXPECT_NE(line.find(" video/x-raw,format=I420,width=640,height=720,framerate=30000/1001 "), std::string::npos)
      << line;
  EXPECT_EQ(line.find("aac"), std::string::npos);
  in = facts();
  in.has_video = false;
  in.maps = {"0:1"};
  line = planned(request(p, in));
  EXPECT_NE(line.find(" aacparse ! identity name=sound silent=false ! "), std::string::npos) << line;
  EXPECT_EQ(line.find("x264enc"), std::string::npos);
}

struct Beyond {
  const char* what;
  void (*change)(model::Parameters&, InputFacts&, std::string& muxer);
};

TEST(PlanGstreamer, WhatItDoesNotDoIsNamed) {
  using P = model::Parameters;
  using M = std::string;
  const Beyond rows[] = {
      {"codec h265", [](P& p, InputFacts&, M&) { p.codec = "h265"; }},
      {"crf", [](P& p, InputFacts&, M&) { p.crf = 23; }},
      {"extra_args",
       [](P& p, InputFacts&, M&) {
         p.extra_args = {"-g", "30"};
       }},
      {"output to hls", [](P& p, InputFacts&, M&) { p.output_mode = model::OutputMode::kHls; }},
      {"pixel format yuv444p", [](P& p, InputFacts&, M&) { p.pixel_format = "yuv444p"; }},
      {"a named hwaccel", [](P& p, InputFacts&, M&) { p.hwaccel = model::HwAccel::kVaapi; }},
      {"audio codec opus", [](P& p, InputFacts&, M&) { p.audio_codec = model::AudioCodec::kOpus; }},
      {"audio codec mp3", [](P& p, InputFacts&, M&) { p.audio_codec = model::AudioCodec::kMp3; }},
      {"copied audio", [](P& p, InputFacts&, M&) { p.audio_codec = model::AudioCodec::kCopy; }},
      {"audio_bitrate above 320k", [](P& p, InputFacts&, M&) { p.audio_bitrate_bps = 384000; }},
      {"sound of 6 channels", [](P&, InputFacts& in, M&) { in.audio_channels = 6; }},
      {"output as webm", [](P&, InputFacts&, M& muxer) { muxer = "webm"; }},
      {"input of format mpegts", [](P&, InputFacts& in, M&) { in.demuxer = "mpegts"; }},
      {"subtitles", [](P&, InputFacts& in, M&) { in.subtitle_encoders = {"mov_text"}; }},
      {"more than one video or audio stream", [](P&, InputFacts& in, M&) { in.maps.emplace_back("0:2"); }},
  };
  for (const Beyond& row : rows) {
    P p;
    InputFacts in = facts();
    M muxer = "mp4";
    row.change(p, in, muxer);
    EXPECT_EQ(planned(request(p, in, muxer)), cat("error: ", row.what));
  }
  auto silent = whole();
  std::erase(silent.elements, "voaacenc");
  const P p;
  const InputFacts in = facts();
  EXPECT_EQ(planned(request(p, in), silent), "error: sound, for lack of an AAC encoder");
}

TEST(PlanGstreamer, PathsAreQuotedForTheSecondParse) {
  EXPECT_EQ(quote_property(R"(/a b/c"d\e ! f)"), R"("/a b/c\"d\\e ! f")");
}

}  // namespace
}  // namespace ffrtmp::engine
