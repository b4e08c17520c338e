#include <gtest/gtest.h>

#include "engine/engine.h"

namespace ffrtmp::engine {
namespace {

TEST(ParseProgress, ABlockOfFfmpeg51) {
  const auto p = parse_progress(
      "frame=30\nfps=0.00\nstream_0_0_q=-1.0\nbitrate= 334.1kbits/s\ntotal_size=41868\nout_time_us=1002667\n"
      "out_time_ms=1002667\nout_time=00:00:01.002667\ndup_frames=2\ndrop_frames=0\nspeed=11.8x\nprogress=continue\n",
      4.0);
  EXPECT_EQ(p.phase, model::Phase::kRunning);
  EXPECT_EQ(p.frame, 30);
  EXPECT_FALSE(p.fps) << "0.00 is not measured yet";
  EXPECT_DOUBLE_EQ(p.bitrate_kbps.value(), 334.1);
  EXPECT_EQ(p.size_bytes, 41868);
  EXPECT_EQ(p.out_time_ms, 1002) << "ffmpeg's out_time_ms is in microseconds";
  EXPECT_EQ(p.dup, 2);
  EXPECT_EQ(p.drop, 0);
  EXPECT_DOUBLE_EQ(p.speed.value(), 11.8);
  EXPECT_NEAR(p.percent.value(), 25.05, 0.01);
}

TEST(ParseProgress, WhatIsNotAvailableIsAbsent) {
  const auto p = parse_progress(
      "bitrate=N/A\ntotal_size=N/A\nout_time_us=-9223372036854775807\nspeed=   0x\nnonsense\n", std::nullopt);
  model::Progress nothing;
  nothing.phase = model::Phase::kRunning;
  EXPECT_EQ(p, nothing);
}

TEST(ParseProgress, PercentStopsAtAHundred) {
  EXPECT_DOUBLE_EQ(parse_progress("out_time_us=4100000\n", 4.0).percent.value(), 100.0);
  EXPECT_FALSE(parse_progress("out_time_us=4100000\n", std::nullopt).percent);
}

TEST(RunStats, RateAndSpeedAreOverTheSameTime) {
  model::Progress last;
  last.frame = 300;  // of 30 a second: 10 s of media
  last.out_time_ms = 10'000;
  last.speed = 11.8;  // ffmpeg's own, without its start-up
  last.dup = 2;
  const auto stats = run_stats(last, 4);
  EXPECT_DOUBLE_EQ(stats.avg_fps.value(), 75);
  EXPECT_DOUBLE_EQ(stats.speed.value(), 2.5);
  EXPECT_DOUBLE_EQ(stats.avg_fps.value() / stats.speed.value(), 30) << "the rate of the media";
  EXPECT_EQ(stats.frames, 300);
  EXPECT_EQ(stats.dup, 2);
  EXPECT_FALSE(stats.drop);
  EXPECT_DOUBLE_EQ(stats.run_seconds.value(), 4);
}

TEST(RunStats, WhatWasNotMeasuredIsAbsent) {
  const auto nothing = run_stats({}, 4);
  EXPECT_FALSE(nothing.frames || nothing.avg_fps || nothing.speed);
  model::Progress last;
  last.frame = 3;
  last.out_time_ms = 100;
  EXPECT_FALSE(run_stats(last, 0).avg_fps || run_stats(last, 0).speed);
}

}  // namespace
}  // namespace ffrtmp::engine
