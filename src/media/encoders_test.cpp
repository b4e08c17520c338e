#include "media/encoders.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "base/text.h"
#include "media/encoder_sessions.h"
#include "media/run_tool.h"

namespace ffrtmp::media {
namespace {

using Texts = std::vector<std::string>;

const char* const kList =
    "Encoders:\n V..... = Video\n ------\n V....D libx264              libx264 H.264 (codec h264)\n"
    " A....D aac                  AAC\n V....D libvpx               libvpx VP8 (codec vp8)\n V..... libx265    x (codec hevc)\n";

TEST(Encoders, Parsers) {
  EXPECT_EQ(parse_version("ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000-2026 the FFmpeg developers\nbuilt"),
            "5.1.9-0+deb12u1");
  EXPECT_EQ(parse_encoder_names(kList), (Texts{"libx264", "libvpx", "libx265"}));
  EXPECT_EQ(parse_pixel_formats("x\n    Supported pixel formats: yuv420p yuv420p10le\nlibsvtav1 AVOptions:\n"),
            (Texts{"yuv420p", "yuv420p10le"}));
}

const model::Encoder& named(const Detection& found, std::string_view name, const char* device = nullptr) {
  static const model::Encoder none;
  for (const model::Encoder& encoder : found.encoders)
    if (encoder.name == name && (device == nullptr || encoder.device == device)) return encoder;
  ADD_FAILURE() << name << " is not listed";
  return none;
}

// What a fake ffmpeg says to each command.
TEST(Encoders, EachOutcome) {
  const RunTool fake = [](const std::vector<std::string>& argv, std::chrono::milliseconds) -> Result<ToolResult> {
    const std::string words = join(argv, " ");
    const auto says = [&](std::string_view text) { return words.find(text) != std::string::npos; };
    if (says("-version")) return ToolResult{0, "ffmpeg version 9.9 x\n", ""};
    if (says("-encoders")) return ToolResult{0, kList, ""};
    if (says("encoder=libx264")) return ToolResult{0, "Supported pixel formats: yuv420p yuv444p yuv420p10le\n", ""};
    if (says("-c:v libx264") && says("yuv420p10le")) return ToolResult{1, "", "no 10 bit\n"};
    if (says("-c:v libx265")) return make_error(Errc::kTimeout, "timed out");
    if (says("-c:v libvpx")) return ToolResult{8, "", std::string(9000, '.') + "[vp8 @ 0x55d5] the last words\n"};
    return ToolResult{0, "", ""};
  };
  const auto found = detect_encoders({}, fake);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->version, "9.9");
  const auto& x264 = named(*found, "libx264");
  EXPECT_TRUE(x264.usable);
  EXPECT_EQ(x264.pix_fmts, (Texts{"yuv420p", "yuv444p", "nv12"})) << "10 bit failed its own trial";
  EXPECT_EQ(named(*found, "libx265").reason, "validation timeout (encoder may be hung)");
  EXPECT_EQ(named(*found, "libsvtav1").reason, "not compiled in");
  const auto& vpx = named(*found, "libvpx");
  EXPECT_EQ(vpx.reason, "encode test failed: exit 8");
  EXPECT_EQ(vpx.detail->size(), 2048U - std::string_view(" @ 0x55d5").size());
  EXPECT_TRUE(vpx.detail->ends_with("[vp8] the last words\n")) << "two looks find the same";
}

// Two NVIDIA GPUs of which one is worn out, and one render node that does 10 bit for HEVC only.
TEST(Encoders, HardwareIsTriedOnEachDevice) {
  const RunTool fake = [](const std::vector<std::string>& argv, std::chrono::milliseconds) -> Result<ToolResult> {
    const std::string words = join(argv, " ");
    const auto says = [&](std::string_view text) { return words.find(text) != std::string::npos; };
    if (says("-version")) return ToolResult{0, "ffmpeg version 9.9 x\n", ""};
    if (says("-encoders"))
      return ToolResult{0, " ---\n V..... h264_nvenc  x\n V..... h264_vaapi  x\n V..... hevc_vaapi  x\n", ""};
    if (says("-gpu 1")) return ToolResult{1, "", "OpenEncodeSessionEx failed: out of memory (10)\n"};
    if (says("-gpu 0") && says("p010le")) return ToolResult{1, "", "10 bit encode not supported\n"};
    if (says("h264_vaapi") && says("p010le")) return ToolResult{1, "", "no\n"};
    return ToolResult{0, "", ""};
  };
  const EncodingDevices devices{{"0", "1"}, {"/dev/dri/renderD128"}, {}};
  const auto found = detect_encoders({"ffmpeg", {}, devices}, fake);
  ASSERT_TRUE(found);
  const auto& first = named(*found, "h264_nvenc", "0");
  EXPECT_TRUE(first.usable);
  EXPECT_TRUE(first.hardware);
  EXPECT_EQ(first.pix_fmts, (Texts{"yuv420p", "nv12"}));
  EXPECT_EQ(named(*found, "h264_nvenc", "1").reason, "encode test failed: exit 1");
  EXPECT_EQ(named(*found, "h264_vaapi", "/dev/dri/renderD128").pix_fmts, (Texts{"yuv420p", "nv12"}));
  EXPECT_EQ(named(*found, "hevc_vaapi", "/dev/dri/renderD128").pix_fmts,
            (Texts{"yuv420p", "yuv420p10le", "nv12", "p010le"}));
  EXPECT_EQ(named(*found, "h264_qsv", "/dev/dri/renderD128").reason, "not compiled in");
}

// A GPU that takes three encodes at once, of whatever codec, and one without a bound that can be met.
TEST(Encoders, SessionsAreCountedOnceADevice) {
  std::mutex mutex;
  std::condition_variable changed;
  int at_work = 0;
  int counted = 0;
  const RunTool fake = [&](const std::vector<std::string>& argv, std::chrono::milliseconds) -> Result<ToolResult> {
    const std::string words = join(argv, " ");
    const auto says = [&](std::string_view text) { return words.find(text) != std::string::npos; };
    if (says("-version")) return ToolResult{0, "ffmpeg version 9.9 x\n", ""};
    if (says("-encoders"))
      return ToolResult{0, " ---\n V..... h264_nvenc  x\n V..... hevc_nvenc  x\n V..... libx264  x\n", ""};
    if (!says("-re ")) return ToolResult{0, "", ""};
    std::unique_lock lock(mutex);
    ++counted;
    changed.notify_all();
    if (says("-gpu 0") && at_work == 3) return ToolResult{187, "", "OpenEncodeSessionEx failed: out of memory (10)\n"};
    at_work += says("-gpu 0");
    // Each of the five is there before the first one ends.
    changed.wait_for(lock, std::chrono::seconds(10), [&] { return counted % 5 == 0; });
    if (says("-gpu 1")) at_work = 0;
    return ToolResult{0, "", ""};
  };
  const auto found = detect_encoders({"ffmpeg", {}, {{"0", "1"}, {}, {}}, 5}, fake);
  ASSERT_TRUE(found);
  EXPECT_EQ(named(*found, "h264_nvenc", "0").sessions, 3);
  EXPECT_EQ(named(*found, "hevc_nvenc", "0").sessions, 3);
  EXPECT_EQ(named(*found, "h264_nvenc", "1").sessions, std::nullopt);
  EXPECT_EQ(named(*found, "libx264").sessions, std::nullopt);
  EXPECT_EQ(counted, 10);
  auto again = found->encoders;
  again.push_back(named(*found, "h264_nvenc", "0"));
  count_sessions("ffmpeg", 5, fake, found->encoders, again);
  EXPECT_EQ(counted, 10) << "jobs may be at work there";
  EXPECT_EQ(again.back().sessions, 3);
  count_sessions("ffmpeg", 1, fake, {}, again);
  EXPECT_EQ(counted, 10) << "one at a time meets no bound";
  EXPECT_EQ(again.back().sessions, std::nullopt);
}

TEST(Encoders, TheRealOne) {  // contract: F33
  const auto found = detect_encoders({}, make_run_tool());
  ASSERT_TRUE(found) << found.error().message;
  for (const model::Encoder& encoder : found->encoders) {
    if (!encoder.hardware) {
      EXPECT_TRUE(encoder.usable) << encoder.name << ": " << encoder.reason.value_or("");
    } else if (encoder.name.ends_with("_vaapi") || encoder.name.ends_with("_qsv")) {
      EXPECT_FALSE(encoder.usable) << "no render node was given";
    } else {
      EXPECT_NE(encoder.usable, encoder.reason.has_value()) << encoder.name;
    }
  }
  EXPECT_EQ(detect_encoders({"/none/ffmpeg"}, make_run_tool()).error().message, "ffmpeg not found: /none/ffmpeg");
  EXPECT_EQ(detect_encoders({"no-such-ffmpeg"}, make_run_tool()).error().message, "no-such-ffmpeg not found in PATH");
}

}  // namespace
}  // namespace ffrtmp::media
