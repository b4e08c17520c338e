#include "media/generate.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/text.h"
#include "media/verify.h"
#include "tests/support/clips.h"

namespace ffrtmp::media {
namespace {

model::Parameters asked(double seconds, int width = 320, int height = 180, double fps = 30) {
  model::Parameters p;
  p.duration_seconds = seconds;
  p.width = width;
  p.height = height;
  p.fps = fps;
  return p;
}

std::string planned(const model::Parameters& p, double seconds, const std::string& encoder,
                    const std::optional<std::string>& device = {}) {
  return join(plan_generation({p, seconds, encoder, device, "/w/in.mp4.part"}), " ");
}

constexpr const char* kStart =
    "ffmpeg -nostdin -hide_banner -loglevel level+warning -nostats -progress {progress} -stats_period 0.5 -y ";

TEST(PlanGeneration, IsTheContractsCommand) {
  EXPECT_EQ(planned(asked(5, 1280, 720), 5, "libx264"),
            cat(kStart,
                "-f lavfi -i testsrc2=size=1280x720:rate=30:duration=4.983333"
                " -f lavfi -i sine=frequency=1000:sample_rate=48000:duration=5 -vf noise=alls=10:allf=u,format=yuv420p"
                " -c:v libx264 -preset ultrafast -crf 23 -c:a aac -t 5 -f mp4 file:/w/in.mp4.part"));
  model::Parameters silent = asked(5);
  silent.audio_codec = model::AudioCodec::kNone;
  EXPECT_EQ(planned(silent, 5, "libx264").find("sine"), std::string::npos);
  EXPECT_EQ(planned(silent, 5, "libx264").find("-c:a"), std::string::npos);
  EXPECT_NE(planned({}, 10, "libx264").find("testsrc2=size=1280x720:rate=30:"), std::string::npos);
}

TEST(PlanGeneration, EachHardwareIsReachedAsItWasTried) {
  EXPECT_NE(planned(asked(5), 5, "h264_nvenc", "1")
                .find(":allf=u,format=yuv420p -c:v h264_nvenc -gpu 1 -preset p1 -cq 28 -c:a aac"),
            std::string::npos);
  const std::string vaapi = planned(asked(5), 5, "h264_vaapi", "/dev/dri/renderD128");
  EXPECT_NE(vaapi.find("-init_hw_device vaapi=va:/dev/dri/renderD128 -filter_hw_device va -f lavfi"),
            std::string::npos);
  EXPECT_NE(vaapi.find(":allf=u,format=nv12,hwupload -c:v h264_vaapi -qp 28"), std::string::npos);
  const std::string qsv = planned(asked(5), 5, "h264_qsv", "/dev/dri/renderD128");
  EXPECT_NE(qsv.find("-init_hw_device qsv=qs@va"), std::string::npos);
  EXPECT_NE(qsv.find("-c:v h264_qsv -preset veryfast -global_quality 28"), std::string::npos);
}

TEST(GeneratedLength, AboveTheMostItLoops) {
  EXPECT_EQ(generated_length(asked(120), 120).seconds, 120);
  EXPECT_FALSE(generated_length(asked(120), 120).loops);
  EXPECT_EQ(generated_length(asked(120.5), 120).seconds, 120);
  EXPECT_TRUE(generated_length(asked(300), 120).loops);
  EXPECT_EQ(generated_length({}, 120).seconds, 10);
}

TEST(GenerationLimit, IsTenTimesTheLengthAndAtLeastAMinute) {
  EXPECT_EQ(generation_limit(0.5), std::chrono::seconds(60));
  EXPECT_EQ(generation_limit(6), std::chrono::seconds(60));
  EXPECT_EQ(generation_limit(6.5), std::chrono::seconds(65));
  EXPECT_EQ(generation_limit(120), std::chrono::seconds(1200));
}

// Runs the plan with the real ffmpeg.
std::string generate(const model::Parameters& p, double seconds, const std::string& name) {
  const std::string path = test::clip_dir() / name;
  auto argv = plan_generation({p, seconds, "libx264", std::nullopt, path});
  *std::find(argv.begin(), argv.end(), "{progress}") = "/dev/null";
  const auto result = test::tool()(argv, std::chrono::seconds(60));
  EXPECT_TRUE(result && result->exit_code == 0) << (result ? result->err : result.error().message);
  return path;
}

// One value by ffprobe itself, not by our reading of it.
std::string ask(const std::string& path, const std::string& stream, const std::string& entry) {
  const auto said = test::tool()({"ffprobe", "-v", "error", "-count_packets", "-select_streams", stream,
                                  "-show_entries", "stream=" + entry, "-of", "csv=p=0", path},
                                 std::chrono::seconds(20));
  return said ? std::string(trim(said->out)) : said.error().message;
}

TEST(Generation, MakesExactlyWhatWasAsked) {
  struct Row {
    double seconds, fps;
    const char* frames;
  };
  for (const Row& row :
       {Row{0.04, 30, "1"}, Row{0.1, 30, "3"}, Row{2, 29.97, "60"}, Row{1.5, 25, "38"}, Row{1, 300, "300"}}) {
    const std::string path = generate(asked(row.seconds, 320, 180, row.fps), row.seconds, "length.mp4.part");
    EXPECT_EQ(ask(path, "v:0", "nb_read_packets"), row.frames) << row.seconds;
    EXPECT_EQ(ask(path, "v:0", "codec_name,width,height,pix_fmt"), "h264,320,180,yuv420p");
    EXPECT_NEAR(std::strtod(ask(path, "a:0", "duration").c_str(), nullptr), row.seconds, 0.03) << row.seconds;
  }
  model::Parameters silent = asked(0.5, 16, 16);
  silent.audio_codec = model::AudioCodec::kNone;
  EXPECT_EQ(ask(generate(silent, 0.5, "silent.mp4.part"), "a", "index"), "");
}

TEST(Looped, IsTheSameStreamsLonger) {
  Probe once;
  once.format = "mov";
  once.duration_seconds = 4;
  ProbedStream video;
  video.type = "video";
  video.first_pts_seconds = 0;
  video.last_pts_seconds = 3.96;
  video.end_seconds = 4;
  video.packets = 100;
  video.largest_gap_seconds = 0.04;
  ProbedStream audio = video;
  audio.index = 1;
  audio.type = "audio";
  audio.last_pts_seconds = 3.8;
  audio.end_seconds = 3.82;
  audio.largest_gap_seconds = 0.02;
  once.streams = {video, audio};
  const Probe thrice = looped(once, 10);
  EXPECT_DOUBLE_EQ(*thrice.duration_seconds, 12);
  EXPECT_EQ(thrice.streams[0].packets, 300);
  EXPECT_DOUBLE_EQ(*thrice.streams[0].end_seconds, 12);
  EXPECT_DOUBLE_EQ(*thrice.streams[0].last_pts_seconds, 11.96);
  EXPECT_NEAR(*thrice.streams[0].largest_gap_seconds, 0.04, 1e-9);
  EXPECT_NEAR(*thrice.streams[1].largest_gap_seconds, 0.2, 1e-9) << "the sound ends before the picture";
  EXPECT_EQ(looped(once, 4).streams[0].packets, 100);
  EXPECT_EQ(looped({}, 4).streams.size(), 0U);
}

// What expect_output() makes of it has to be what ffmpeg makes of it: encoded and copied.
TEST(Looped, FfmpegAgrees) {
  const std::string path = generate(asked(2), 2, "round.mp4.part");
  ProbeOptions options;
  options.demuxer = "mov";
  options.packets = true;
  const auto input = probe_file(path, options, test::tool());
  ASSERT_TRUE(input) << input.error().message;
  for (const char* codec : {"h264", "copy"}) {
    model::Parameters p = asked(7.5);
    p.codec = codec;
    if (p.codec == "copy") p.width = p.height = std::nullopt, p.fps = std::nullopt;
    const auto expected = expect_output(looped(*input, 7.5), p, {"0:0", "0:1"}, "mp4");
    ASSERT_TRUE(expected) << expected.error().message;
    const std::string out = test::clip_dir() / (std::string("looped-") + codec + ".mp4");
    test::must_run(cat("ffmpeg -nostdin -v error -y -stream_loop -1 -f mov -i ", path, " -c:v ",
                       p.codec == "copy" ? "copy" : "libx264", " -preset ultrafast -c:a aac -t 7.5 -f mp4 ", out));
    VerifyOptions verify;
    verify.muxer = "mp4";
    const auto verdict = verify_output(out, *expected, verify, test::tool());
    ASSERT_TRUE(verdict) << verdict.error().message;
    EXPECT_TRUE(verdict->good) << codec << ": " << verdict->error;
    // One round alone is not taken for it.
    const auto once = verify_output(path, *expected, verify, test::tool());
    ASSERT_TRUE(once);
    EXPECT_FALSE(once->good);
  }
}

}  // namespace
}  // namespace ffrtmp::media
