#include "media/encoders.h"

#include <gtest/gtest.h>

#include "base/text.h"
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

TEST(Encoders, ReasonsOfFailedProbes) {  // contract: F33
  EXPECT_EQ(probe_failure(1, "[h264_nvenc @ 0x5] Cannot load libcuda.so.1\nError initializing"),
            "CUDA runtime not available (libcuda.so.1 not found)");
  EXPECT_EQ(probe_failure(1, "Unknown encoder 'x'"), "encoder not recognized by FFmpeg");
  EXPECT_EQ(probe_failure(127, "ffmpeg: error while loading shared libraries: libx.so: cannot open shared object file"),
            "required library not available");
  EXPECT_EQ(probe_failure(1, "No capable devices found"), "no NVENC-capable GPU found");
  EXPECT_EQ(probe_failure(4, "?"), "encode test failed: exit 4");
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
    if (says("-c:v libvpx")) return ToolResult{8, "", "x\n"};
    return ToolResult{0, "", ""};
  };
  const auto found = detect_encoders("ffmpeg", fake);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->version, "9.9");
  ASSERT_EQ(found->encoders.size(), 6U);
  EXPECT_TRUE(found->encoders[0].usable);
  EXPECT_EQ(found->encoders[0].pix_fmts, (Texts{"yuv420p", "yuv444p", "nv12"})) << "10 bit failed its own probe";
  EXPECT_EQ(found->encoders[1].reason, "validation timeout (encoder may be hung)");
  EXPECT_EQ(found->encoders[2].reason, "not compiled in");
  EXPECT_EQ(found->encoders[5].reason, "encode test failed: exit 8");
}

TEST(Encoders, TheRealOne) {
  const auto found = detect_encoders("ffmpeg", make_run_tool());
  ASSERT_TRUE(found) << found.error().message;
  for (const model::Encoder& encoder : found->encoders)
    EXPECT_TRUE(encoder.usable) << encoder.name << ": " << encoder.reason.value_or("");
  EXPECT_EQ(detect_encoders("/none/ffmpeg", make_run_tool()).error().message, "ffmpeg not found: /none/ffmpeg");
  EXPECT_EQ(detect_encoders("no-such-ffmpeg", make_run_tool()).error().message, "no-such-ffmpeg not found in PATH");
}

}  // namespace
}  // namespace ffrtmp::media
