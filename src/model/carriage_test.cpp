#include "model/carriage.h"

#include <gtest/gtest.h>

namespace ffrtmp::model {
namespace {

std::string misfit(OutputMode mode, const char* codec, const char* output = nullptr) {
  Parameters p;
  p.output_mode = mode;
  p.codec = codec;
  if (output != nullptr) p.output = output;
  const auto found = find_misfit(p);
  return found ? found->message : "";
}

TEST(Carriage, WhatEachTransportTakes) {
  EXPECT_EQ(misfit(OutputMode::kFile, "vp8"), "");
  EXPECT_EQ(misfit(OutputMode::kHls, "h264"), "");
  EXPECT_EQ(misfit(OutputMode::kHls, "hevc_nvenc"), "");
  EXPECT_EQ(misfit(OutputMode::kHls, "av1"), "hls cannot carry av1");
  EXPECT_EQ(misfit(OutputMode::kRtmp, "libsvtav1"), "") << "a question of the node's version";
  EXPECT_EQ(misfit(OutputMode::kRtmp, "libvpx"), "rtmp cannot carry libvpx");
  EXPECT_EQ(misfit(OutputMode::kStream, "vp9", "srt://host:1"), "srt cannot carry vp9");
  EXPECT_EQ(misfit(OutputMode::kStream, "libx265", "udp://host:1"), "");
  EXPECT_EQ(misfit(OutputMode::kRtmp, "copy"), "");
}

TEST(Carriage, NewCodecsOverRtmpNeedFfmpeg61) {
  EXPECT_TRUE(needs_enhanced_rtmp("rtmp", "h265"));
  EXPECT_TRUE(needs_enhanced_rtmp("rtmp", "av1_vaapi"));
  EXPECT_FALSE(needs_enhanced_rtmp("rtmp", "libx264"));
  EXPECT_FALSE(needs_enhanced_rtmp("srt", "h265"));
  for (const char* version : {"6.1", "6.1.1-3ubuntu5", "n6.1", "7.0", "10.0.2"})
    EXPECT_TRUE(has_enhanced_rtmp(version)) << version;
  for (const char* version : {"5.1.9-0+deb12u1", "6.0", "n6.0.1", "6", "N-112000-gdeadbeef", "", "git-2023"})
    EXPECT_FALSE(has_enhanced_rtmp(version)) << version;
}

}  // namespace
}  // namespace ffrtmp::model
