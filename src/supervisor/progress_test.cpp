#include "supervisor/progress.h"

#include <gtest/gtest.h>

namespace ffrtmp::supervisor {
namespace {

TEST(Progress, KeepsTheLatestWholeBlock) {
  ProgressParser parser;
  EXPECT_FALSE(parser.feed("frame=1\nfps=0.0\nprog"));
  EXPECT_EQ(parser.latest(), "");
  EXPECT_TRUE(parser.feed("ress=continue\nframe=2\n"));
  EXPECT_EQ(parser.latest(), "frame=1\nfps=0.0\nprogress=continue\n");
  EXPECT_TRUE(parser.feed("progress=continue\nframe=3\nprogress=end\n"));
  EXPECT_EQ(parser.latest(), "frame=3\nprogress=end\n");
}

TEST(Progress, IsNotFilledByNonsense) {
  ProgressParser parser;
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(parser.feed(std::string(1000, 'x')));
  EXPECT_FALSE(parser.feed("\n"));
  for (int i = 0; i < 10000; ++i) parser.feed("key=value of some length\n");
  EXPECT_TRUE(parser.feed("frame=1\r\nno pair\nprogress=end\n"));
  EXPECT_LT(parser.latest().size(), 17u << 10);
  EXPECT_TRUE(parser.latest().ends_with("progress=end\n"));
}

TEST(Progress, AdvanceIsFrameTimeAndSize) {
  // ffmpeg 5.1.4 of Debian 12, shortened.
  const std::string block =
      "frame=24\nfps=23.9\nstream_0_0_q=28.0\nbitrate=N/A\ntotal_size=48\nout_time_us=800000\nout_time_ms=800000\n"
      "out_time=00:00:00.800000\ndup_frames=0\nspeed=0.8x\nprogress=continue\n";
  EXPECT_EQ(advance_mark(block), "frame=24;total_size=48;out_time_us=800000;");
}

// GStreamer 1.22.0 of Debian 12; the lines between are of its kind, too.
constexpr std::string_view kPipeline =
    "Pipeline is PREROLLING ...\n"
    "/GstPipeline:pipeline0/GstQueue:queue0.GstPad:src: caps = video/x-h264, stream-format=(string)avc\n"
    "/GstPipeline:pipeline0/GstIdentity:frames: last-message = event   ******* (frames:sink) E (type: caps (12814), ) 0x5\n"
    "/GstPipeline:pipeline0/GstIdentity:frames: last-message = chain   ******* (frames:sink) (2483 bytes, dts: "
    "999:59:59.960000000, pts: 1000:00:00.066666666, duration: 0:00:00.040000000, offset: -1, offset_end: -1, flags: "
    "00000000 , meta: none) 0x7fa\n"
    "/GstPipeline:pipeline0/GstIdentity:frames: last-message = chain   ******* (frames:sink) (83 bytes, dts: 1000:00:00.0, "
    "pts: 1000:00:00.186666666, duration: 0:00:00.040000000, offset: -1, offset_end: -1, flags: 00000000 ) 0x7fb\n"
    "/GstPipeline:pipeline0/GstIdentity:frames: last-message = chain   ******* (frames:sink) (83 bytes, dts: none, "
    "pts: 1000:00:00.106666666, duration: 0:00:00.040000000, offset: -1, offset_end: -1, flags: 00000000 ) 0x7fb\n";

TEST(Progress, OfAPipelineHasTheSameForm) {
  ProgressParser parser(ProgressFormat::kGstreamer);
  EXPECT_FALSE(parser.feed("Setting pipeline to PAUSED ...\nframe=9\nprogress=continue\n"));
  EXPECT_TRUE(parser.feed(kPipeline));
  EXPECT_EQ(parser.latest(), "frame=3\nout_time_us=160000\nprogress=continue\n");
  EXPECT_EQ(advance_mark(parser.latest()), "frame=3;out_time_us=160000;");
}

TEST(Progress, OfAPipelineBelievesNoNonsense) {
  ProgressParser parser(ProgressFormat::kGstreamer);
  for (const char* line : {"GstIdentity:frames: last-message = chain (frames:sink) (5 bytes, pts: 9999999999:00:00.0, \n",
                           "GstIdentity:frames: last-message = chain (frames:sink) (5 bytes, pts: 0:61:00.0, \n"})
    EXPECT_TRUE(parser.feed(line));
  EXPECT_EQ(parser.latest(), "frame=2\nprogress=continue\n");
  EXPECT_FALSE(parser.feed(std::string(5000, 'x') + " GstIdentity:frames: last-message = chain (5 bytes\n"));
}

TEST(Progress, OfSoundAloneCountsNoFrames) {
  ProgressParser parser(ProgressFormat::kGstreamer);
  EXPECT_TRUE(parser.feed("/GstPipeline:pipeline0/GstIdentity:sound: last-message = chain   ******* (sound:sink) (341 bytes, "
                          "dts: none, pts: 0:00:01.0, duration: 0:00:00.021333333, offset: -1) 0x7\n"));
  EXPECT_EQ(parser.latest(), "out_time_us=21333\nprogress=continue\n");
}

}  // namespace
}  // namespace ffrtmp::supervisor
