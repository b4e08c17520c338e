#include "media/verify.h"

#include "media/decode_check.h"
#include "media/hls_output.h"
#include "media/stream_choice.h"
#include "tests/support/clips.h"

namespace ffrtmp::media {
namespace {

using namespace ffrtmp::test;  // clips and temporary files

// Judges `made` as the output of a job on the plain clip with `parameters`.
std::string judged(const std::string& made, const model::Parameters& parameters,
                   const std::string& source = plain_clip()) {
  const auto probe = probe_file(source, {"ffprobe", "", true}, tool());
  const auto muxer = muxer_for(made);
  const auto choice = choose_streams(*probe, parameters, *muxer);
  const auto expected = expect_output(*probe, parameters, choice->maps, *muxer);
  const auto verdict =
      verify_output(made, *expected, {model::VerifyLevel::kPackets, "ffmpeg", "ffprobe", *muxer, std::nullopt}, tool());
  return verdict ? verdict->error : verdict.error().message;
}

TEST(Verify, WhatIsNotAsAskedIsRefused) {
  const std::string from = "-i " + plain_clip() + " " + kH264;
  EXPECT_EQ(judged(clip("o_good.mp4", from), {}), "");
  EXPECT_EQ(judged(clip("o_size.mp4", from + "-s 160x90"), {}), "the video is 160x90 instead of 320x180");
  EXPECT_EQ(judged(clip("o_codec.mp4", "-i " + plain_clip() + " -c:v mpeg4"), {}),
            "the video is mpeg4 instead of h264");
  EXPECT_EQ(judged(clip("o_format.mp4", from + "-pix_fmt yuv422p"), {}),
            "the pixel format is yuv422p instead of yuv420p");
  EXPECT_EQ(judged(clip("o_silent.mp4", from + "-an"), {}), "the output has 0 audio streams instead of 1");
  EXPECT_EQ(judged(clip("o_blind.mp4", from + "-vn"), {}), "the output has 0 video streams instead of 1");
  EXPECT_EQ(judged(clip("o_short.mp4", from + "-af atrim=end=2"), {}), "audio stream 0 lasts 2.00 s instead of 4.00 s");
  EXPECT_EQ(judged(clip("o_hole.mp4", from + "-vf select=lt(t\\,1)+gt(t\\,2.5) -fps_mode vfr"), {}),
            "the video has 74 frames instead of 120");
  EXPECT_EQ(judged(clip("o_late.mp4", "-ss 1 -i " + plain_clip() + " " + kH264), {}),
            "the video's last frame is at 2.97 s instead of 3.97 s");
  model::Parameters asked;
  asked.fps = 30;
  EXPECT_EQ(judged(clip("o_rate.mp4", from + "-r 25"), asked),
            "the video has 25.000 frames a second instead of 30.000");
  asked.fps = 29.97;
  EXPECT_EQ(judged(clip("o_film.mp4", from + "-r 24"), asked),
            "the video has 24.000 frames a second instead of 29.970");
}

TEST(Verify, DamageAtThePacketsIsNamed) {
  const std::string path = clip_dir() / "o_tail.mkv";
  write_file(path, read_file(clip("o_whole.mkv", "-i " + plain_clip() + " -c copy")).substr(0, 200000));
  EXPECT_NE(judged(path, {}), "");
}

TEST(Verify, AToolThatIsMissingIsNoVerdict) {
  const auto verdict =
      verify_output(plain_clip(), {}, {model::VerifyLevel::kPackets, "ffmpeg", "/none/ffprobe", "mp4", {}}, tool());
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().code, Errc::kGone) << verdict.error().message;
}

TEST(ExpectOutput, FromPacketsAndParameters) {
  Probe input{"mov,mp4", 10.0, 0.0, 1, 0, {}, {}};
  ProbedStream video;
  video.type = "video";
  video.codec = "hevc";
  video.width = 1921;
  video.height = 1080;
  video.fps = 25;
  video.rotation_degrees = -90;
  video.first_pts_seconds = 0;
  video.last_pts_seconds = 9.96;
  video.end_seconds = 10;
  video.largest_gap_seconds = 0.04;
  video.packets = 250;
  ProbedStream audio;
  audio.index = 1;
  audio.type = "audio";
  audio.first_pts_seconds = 0.5;
  audio.end_seconds = 9;
  audio.packets = 400;
  input.streams = {video, audio};
  auto whole = expect_output(input, {}, {"0:0", "0:1"}, "mp4");
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(whole->video_codec, "h264");
  EXPECT_EQ(whole->width, 1080);
  EXPECT_EQ(whole->height, 1920);
  EXPECT_EQ(whole->video_frames, 250);
  EXPECT_NEAR(whole->video_seconds.value(), 9.96, 1e-9);
  EXPECT_NEAR(whole->audio.at(0).seconds, 8.5, 1e-9);
  model::Parameters asked;
  asked.fps = 30;
  asked.duration_seconds = 4;
  asked.pixel_format = "p010le";
  const auto cut = expect_output(input, asked, {"0:0", "0:1"}, "mp4");
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->video_frames, 120);
  EXPECT_EQ(cut->pixel_format, "yuv420p10le");
  EXPECT_NEAR(cut->audio.at(0).seconds, 3.5, 1e-9);
  EXPECT_NEAR(cut->total_seconds.value(), 4, 1e-9);
  input.duration_seconds = 11;
  EXPECT_EQ(expect_output(input, {}, {"0:0"}, "mp4").error().message,
            "the input is cut short: it declares 11.00 s and holds 10.00 s");
  input.format = "mp3";
  EXPECT_TRUE(expect_output(input, {}, {"0:0"}, "mp4")) << "an mp3's length is an estimate";
}

TEST(PlanWindows, FirstMiddleLastAtKeyFrames) {
  Scan scan;
  ProbedStream video;
  video.type = "video";
  video.end_seconds = 61;
  scan.probe.start_seconds = 1;
  scan.probe.streams = {video};
  for (double time = 1; time < 61; time += 8) scan.packets.push_back({0, time, time, 0.04, 10, 0, true, false});
  EXPECT_EQ(plan_windows(scan, model::VerifyLevel::kPackets), std::vector<Window>{});
  EXPECT_EQ(plan_windows(scan, model::VerifyLevel::kFull), std::vector<Window>{Window{}});
  EXPECT_EQ(plan_windows(scan, model::VerifyLevel::kSample),
            (std::vector<Window>{{0, 5}, {24, 5}, {48, std::nullopt}}));
  scan.probe.streams[0].end_seconds = 16;
  EXPECT_EQ(plan_windows(scan, model::VerifyLevel::kSample), std::vector<Window>{Window{}});
}

TEST(ParseHls, ListAndEnd) {
  const auto list =
      parse_hls("#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:3.000000,\na0.ts\n#EXTINF:1.5,\na1.ts\n#EXT-X-ENDLIST\n");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->segments, (std::vector<std::string>{"a0.ts", "a1.ts"}));
  EXPECT_EQ(list->seconds, (std::vector<double>{3, 1.5}));
  EXPECT_TRUE(list->closed);
  EXPECT_EQ(parse_hls("hello").error().message, "playlist:1: not #EXTM3U");
  EXPECT_EQ(parse_hls("").error().message, "playlist:1: not #EXTM3U");
  EXPECT_FALSE(parse_hls("#EXTM3U\n#EXTINF:3,\n#EXT-X-ENDLIST\n")) << "a time without its segment";
}

TEST(WrongTimes, SegmentsBeginAtKeyFramesAndLastAsTheListSays) {
  Scan scan;
  ProbedStream& video = scan.probe.streams.emplace_back();
  video.type = "video";
  video.index = 0;
  video.fps = 30;
  video.first_pts_seconds = 1.4;
  video.end_seconds = 8.4;
  for (const double time : {1.4, 4.4, 7.4}) scan.packets.push_back({.stream = 0, .pts = time, .key = true});
  HlsList list{{"a0.ts", "a1.ts", "a2.ts"}, {3, 3, 1}, true};
  EXPECT_EQ(wrong_times(list, scan), "");
  list.seconds = {2, 4, 1};
  EXPECT_EQ(wrong_times(list, scan), "segment a1.ts should begin with a key frame at 2.00 s");
  list.seconds = {3, 3, 4};
  EXPECT_EQ(wrong_times(list, scan), "the playlist says 10.00 s, its segments hold 7.00 s");
}

}  // namespace
}  // namespace ffrtmp::media
