#include "media/gstreamer.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "base/text.h"
#include "media/run_tool.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::media {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

// What gst-launch-1.0 1.22.0 and gst-inspect-1.0 1.22.0 print (Debian 12).
constexpr const char* kVersion =
    "gst-launch-1.0 version 1.22.0\nGStreamer 1.22.0\nhttps://tracker.debian.org/pkg/gstreamer1.0\n";
constexpr const char* kList =
    "voaacenc:  voaacenc: AAC audio encoder\n"
    "isomp4:  mp4mux: MP4 Muxer\n"
    "isomp4:  qtdemux: QuickTime demuxer\n"
    "typefindfunctions: video/quicktime: mov, mp4, m4a\n"
    "\nTotal count: 3 plugins, 3 features\n";

struct Answers {
  int trial_exit = 0;
  std::string trial_err;
  std::optional<Errc> trial_error;
};

model::Gstreamer detect(const Answers& answers, const std::string& program = "gst-launch-1.0") {
  const RunTool run = [&](const std::vector<std::string>& argv, std::chrono::milliseconds) -> Result<ToolResult> {
    if (argv.size() == 1) return ToolResult{0, argv[0].ends_with("gst-inspect-1.0") ? kList : "", ""};
    if (argv[1] == "--version") return ToolResult{0, kVersion, ""};
    if (answers.trial_error) return make_error(*answers.trial_error, "timed out");
    return ToolResult{answers.trial_exit, "", answers.trial_err};
  };
  return detect_gstreamer(program, run);
}

TEST(DetectGstreamer, VersionElementsAndTheTrial) {
  const auto found = detect({});
  EXPECT_TRUE(found.usable);
  EXPECT_EQ(found.version, "1.22.0");
  EXPECT_THAT(found.elements, ElementsAre("voaacenc", "mp4mux", "qtdemux"));
  EXPECT_EQ(model::aac_encoder_of(found), "voaacenc");
  EXPECT_EQ(model::rtmp_sink_of(found), "");
  EXPECT_THAT(model::gstreamer_gaps(found), Contains("no RTMP outputs: no sink (rtmp2sink, rtmpsink)"));
  EXPECT_EQ(detect({}, "/opt/gst/bin/gst-launch-1.0").elements.size(), 3U);
}

TEST(DetectGstreamer, WhyItDoesNotWork) {
  const auto no_x264 = detect({1, "WARNING: erroneous pipeline: no element \"x264enc\"\n", {}});
  EXPECT_FALSE(no_x264.usable);
  EXPECT_EQ(no_x264.reason, "element x264enc is missing (plug-ins \"ugly\")");
  EXPECT_EQ(no_x264.detail, "WARNING: erroneous pipeline: no element \"x264enc\"\n");
  EXPECT_EQ(detect({1, "ERROR: pipeline doesn't want to preroll.\n", {}}).reason, "pipeline test failed: exit 1");
  EXPECT_EQ(detect({1, std::string(5000, 'x'), {}}).detail->size(), 2048U);
  EXPECT_EQ(detect({0, "", Errc::kTimeout}).reason, "validation timeout (pipeline may be hung)");
}

TEST(DetectGstreamer, WithoutTheProgram) {
  EXPECT_EQ(detect_gstreamer("gst-launch-none", make_run_tool()).reason, "gst-launch-none not found in PATH");
  const auto there = detect_gstreamer("/nowhere/gst-launch-1.0", make_run_tool());
  EXPECT_EQ(there.reason, "gst-launch-1.0 not found: /nowhere/gst-launch-1.0");
  EXPECT_FALSE(there.usable);
  EXPECT_EQ(there.version, "");
}

TEST(DetectGstreamer, TheRealOne) {
  const test::TempDir dir;
  const auto run =
      make_run_tool({{cat("PATH=", std::getenv("PATH")), cat("GST_REGISTRY=", dir / "registry")}, {}, nullptr});
  const auto found = detect_gstreamer("gst-launch-1.0", run);
  EXPECT_TRUE(found.usable) << found.reason.value_or("") << found.detail.value_or("");
  EXPECT_THAT(found.version, HasSubstr("1."));
  EXPECT_EQ(model::gstreamer_gaps(found), std::vector<std::string>{})
      << "see the test packages of tools/install-packages";
}

}  // namespace
}  // namespace ffrtmp::media
