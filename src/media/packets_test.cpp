#include "media/packets.h"

#include <cmath>

#include "tests/support/clips.h"

namespace ffrtmp::media {
namespace {

using namespace ffrtmp::test;  // clips

// Lines of ffprobe 5.1.9, `-of compact`.
TEST(ParseScan, HeadersAndPackets) {
  const auto scan = parse_scan(
      "packet|stream_index=1|pts_time=-0.021333|dts_time=-0.021333|duration_time=0.021333|size=281|pos=48|flags=KD|side_data|\n\n"
      "packet|stream_index=0|pts_time=0.100000|dts_time=N/A|duration_time=0.033333|size=7534|pos=329|flags=K_\n"
      "stream|index=0|codec_name=h264|codec_type=video|width=320|height=180|pix_fmt=yuv420p|nal_length_size=4|avg_frame_rate=30000/1001"
      "|duration=4.000000|disposition:attached_pic=0|tag:language=a\\|b|side_data|rotation=-90\n"
      "stream|index=1|codec_name=aac|codec_type=audio|sample_rate=48000|channels=1|avg_frame_rate=0/0|duration=N/A|disposition:attached_pic=0\n"
      "chapter|id=0\nformat|format_name=mov,mp4,m4a,3gp,3g2,mj2|start_time=0.000000|duration=4.000000|size=412447\n");
  ASSERT_TRUE(scan) << scan.error().message;
  ASSERT_EQ(scan->packets.size(), 2U);
  EXPECT_TRUE(scan->packets[0].discard);
  EXPECT_DOUBLE_EQ(scan->packets[0].pts, -0.021333);
  EXPECT_TRUE(std::isnan(scan->packets[1].dts));
  EXPECT_EQ(scan->packets[1].pos, 329);
  ASSERT_EQ(scan->probe.streams.size(), 2U);
  const ProbedStream& video = scan->probe.streams[0];
  EXPECT_EQ(video.codec, "h264");
  EXPECT_EQ(video.width, 320);
  EXPECT_NEAR(video.fps.value(), 29.97003, 1e-5);
  EXPECT_EQ(video.rotation_degrees, -90);
  EXPECT_EQ(video.nal_length_bytes, 4);
  EXPECT_EQ(video.language, "a\\|b");
  EXPECT_FALSE(scan->probe.streams[1].fps);
  EXPECT_FALSE(scan->probe.streams[1].duration_seconds);
  EXPECT_EQ(scan->probe.chapters, 1);
  EXPECT_EQ(scan->probe.size_bytes, 412447);
  EXPECT_FALSE(parse_scan("packet|size=3\n"));
}

// Of a day of film they are a gigabyte: what is handed on as it comes is not held.
TEST(ProbeFile, LinesThatComeInPiecesAreTheSame) {
  std::string text;
  for (int i = 0; i < 100; ++i)
    text +=
        "packet|stream_index=0|pts_time=" + std::to_string(i * 2 + i % 2) + "|duration_time=1|size=5|pos=0|flags=K_\n";
  text += "stream|index=0|codec_type=video|codec_name=h264\nformat|format_name=avi";  // the last line has no end
  for (const std::size_t piece : {1U, 7U, 64U, 100'000U}) {
    const RunTool run = [&](const RunTool::Argv&, std::chrono::milliseconds,
                            const TakeOutput& take) -> Result<ToolResult> {
      for (std::size_t at = 0; at < text.size(); at += piece)
        if (const Status taken = take(text.substr(at, piece)); !taken) return taken.error();
      return ToolResult{0, "", ""};
    };
    const auto probe = probe_file("/none", {"ffprobe", "", true}, run);
    ASSERT_TRUE(probe) << probe.error().message;
    EXPECT_EQ(probe->format, "avi");
    ASSERT_EQ(probe->streams.size(), 1U);
    EXPECT_EQ(probe->streams[0].packets, 100);
    EXPECT_DOUBLE_EQ(probe->streams[0].last_pts_seconds.value(), 199);
    EXPECT_DOUBLE_EQ(probe->streams[0].end_seconds.value(), 200);
    EXPECT_DOUBLE_EQ(probe->streams[0].largest_gap_seconds.value(), 3);
    EXPECT_DOUBLE_EQ(probe->streams[0].usual_gap_seconds.value(), 3);
  }
}

TEST(ProbeFile, ALineWithoutAnEndIsRefused) {
  std::size_t taken_bytes = 0;
  const RunTool run = [&](const RunTool::Argv&, std::chrono::milliseconds,
                          const TakeOutput& take) -> Result<ToolResult> {
    const std::string piece(1 << 16, 'x');
    for (;; taken_bytes += piece.size())
      if (const Status taken = take(piece); !taken) return taken.error();
  };
  EXPECT_EQ(probe_file("/none", {}, run).error().code, Errc::kCorrupt);
  EXPECT_LE(taken_bytes, 2U << 20);
}

TEST(ScanFile, ARealClip) {
  const auto probe = probe_file(plain_clip(), {"ffprobe", "mov", true}, tool());
  ASSERT_TRUE(probe) << probe.error().message;
  ASSERT_EQ(probe->streams.size(), 2U);
  EXPECT_EQ(probe->streams[0].packets, 120);
  EXPECT_NEAR(probe->streams[0].end_seconds.value(), 4.0, 0.001);
  EXPECT_NEAR(probe->streams[0].last_pts_seconds.value(), 119 / 30.0, 0.001);
  EXPECT_NEAR(probe->streams[0].largest_gap_seconds.value(), 1 / 30.0, 0.001);
  EXPECT_NEAR(probe->streams[1].end_seconds.value(), 4.0, 0.03);
  EXPECT_NEAR(probe->duration_seconds.value(), 4.0, 0.05);
}

TEST(ScanFile, AForcedDemuxerAndNoMedia) {
  const auto wrong = probe_file(plain_clip(), {"ffprobe", "matroska", false}, tool());
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace ffrtmp::media
