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

}  // namespace
}  // namespace ffrtmp::supervisor
