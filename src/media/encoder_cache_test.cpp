#include "media/encoder_cache.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <mutex>

#include "base/text.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::media {
namespace {

using namespace std::chrono_literals;

const model::Encoder& named(const Detection& found, std::string_view name) {
  static const model::Encoder none;
  for (const model::Encoder& encoder : found.encoders)
    if (encoder.name == name) return encoder;
  return none;
}

struct Kept : testing::Test {
  test::TempDir dir;
  std::string ffmpeg = dir / "ffmpeg";
  std::string file = dir / "encoders.json";
  sys::Host host{dir / "proc", dir / "sys"};
  std::string version = "ffmpeg version 9.9 x\nlibavcodec 59\n";
  bool x265_hangs = true;
  std::string gst_launch = "";
  std::string elements = "x: y: z\n";
  int probes = 0;
  EncodingDevices devices;
  int slots = 1;
  Trust trust = Trust::kAll;
  bool has_gpu = false;  // with one session
  int counts = 0;        // encodes that count sessions
  UtcTime now{1'000'000s};

  Kept() {
    std::ofstream(ffmpeg) << "#!/bin/sh\n";
    std::filesystem::permissions(ffmpeg, std::filesystem::perms::owner_all);
    std::filesystem::create_directories(host.proc + "/sys/kernel");
    set_kernel("6.1.0\n");
  }
  void set_kernel(const std::string& text) { std::ofstream(host.proc + "/sys/kernel/osrelease") << text; }

  Detection detect() {
    std::mutex mutex;
    const RunTool run = [&](const std::vector<std::string>& argv, std::chrono::milliseconds) -> Result<ToolResult> {
      const std::lock_guard lock(mutex);
      const std::string words = join(argv, " ");
      const auto says = [&](std::string_view text) { return words.find(text) != std::string::npos; };
      if (says("gst-launch-1.0 --version")) {
        ++probes;
        return ToolResult{0, "gst-launch-1.0 version 1.22.0\n", ""};
      }
      if (says("-version")) return ToolResult{0, version, ""};
      ++probes;
      if (says("gst-inspect-1.0")) return ToolResult{0, elements, ""};
      if (says("-encoders") && has_gpu) return ToolResult{0, " ---\n V..... h264_nvenc  x\n V....D libx264  x\n", ""};
      if (says("-encoders")) return ToolResult{0, " ---\n V....D libx264  x\n V....D libx265  x\n", ""};
      if (says("-re ")) return ToolResult{++counts % slots == 1 ? 0 : 187, "", ""};
      if (says("-c:v libx265") && x265_hangs) return make_error(Errc::kTimeout, "timed out");
      return ToolResult{0, "Supported pixel formats: yuv420p\n", ""};
    };
    probes = counts = 0;
    auto found = detect_encoders_cached({ffmpeg, gst_launch, devices, slots, trust}, run, file, now, host);
    EXPECT_TRUE(found);
    return found ? std::move(*found) : Detection{};
  }
};

TEST_F(Kept, TheSecondStartProbesNothing) {
  const Detection first = detect();
  EXPECT_GT(probes, 2);
  EXPECT_TRUE(named(first, "libx264").usable);
  const Detection second = detect();
  EXPECT_EQ(probes, 0);
  EXPECT_EQ(second.version, "9.9");
  ASSERT_EQ(second.encoders.size(), first.encoders.size());
  EXPECT_TRUE(named(second, "libx264").usable);
  EXPECT_EQ(named(second, "libx264").pix_fmts, named(first, "libx264").pix_fmts);
  EXPECT_EQ(named(second, "libx265").reason, "validation timeout (encoder may be hung)");
}

TEST_F(Kept, AFailureIsTriedAgainAfterTenMinutesAndNothingElse) {
  detect();
  const int all = probes;
  x265_hangs = false;
  now += 10min - 1s;
  EXPECT_FALSE(named(detect(), "libx265").usable);
  now += 2s;
  EXPECT_TRUE(named(detect(), "libx265").usable);
  EXPECT_LT(probes, all);
  now += 1h;
  detect();
  EXPECT_EQ(probes, 0) << "what is not compiled in is not asked again";
}

TEST_F(Kept, DoubtIsOfTheHardware) {
  has_gpu = true;
  devices.nvidia = {"0"};
  detect();
  trust = Trust::kSoftwareOnly;
  detect();
  EXPECT_EQ(probes, 3) << "list, 8 bit, 10 bit";
  trust = Trust::kNothing;
  detect();
  EXPECT_GT(probes, 4);
}

TEST_F(Kept, SessionsAreCountedAgainForOtherSlotsOnly) {
  has_gpu = true;
  devices.nvidia = {"0"};
  slots = 3;
  EXPECT_EQ(named(detect(), "h264_nvenc").sessions, 1);
  EXPECT_EQ(counts, 3);
  EXPECT_EQ(named(detect(), "h264_nvenc").sessions, 1);
  EXPECT_EQ(counts, 0);
  trust = Trust::kSoftwareOnly;
  EXPECT_EQ(named(detect(), "h264_nvenc").sessions, 1);
  EXPECT_EQ(counts, 0) << "jobs may be at work on it";
  trust = Trust::kAll;
  slots = 2;
  EXPECT_EQ(named(detect(), "h264_nvenc").sessions, 1);
  EXPECT_EQ(counts, 2);
  slots = 1;
  EXPECT_EQ(named(detect(), "h264_nvenc").sessions, std::nullopt);
  EXPECT_EQ(counts, 0);
}

TEST_F(Kept, WhatItDependsOnIsPartOfTheKey) {
  detect();
  version = "ffmpeg version 9.9 x\nlibavcodec 60\n";
  detect();
  EXPECT_GT(probes, 0) << "version text";
  set_kernel("6.2.0\n");
  detect();
  EXPECT_GT(probes, 0) << "kernel";
  devices = {{}, {"/dev/dri/renderD128"}, {"/dev/dri/renderD128 i915"}};
  detect();
  EXPECT_GT(probes, 0) << "a new device";
  devices.drivers = {"/dev/dri/renderD128 xe"};
  detect();
  EXPECT_GT(probes, 0) << "a new driver";
  std::ofstream(ffmpeg, std::ios::app) << "exit 1\n";
  detect();
  EXPECT_GT(probes, 0) << "the file";
  detect();
  EXPECT_EQ(probes, 0);
}

TEST_F(Kept, GstreamerIsKeptAndWhatItLacksIsLookedForAgain) {
  detect();
  EXPECT_FALSE(detect().gstreamer) << "not looked for";
  gst_launch = dir / "gst-launch-1.0";
  std::ofstream(gst_launch) << "#!/bin/sh\n";
  std::filesystem::permissions(gst_launch, std::filesystem::perms::owner_all);
  const auto first = detect().gstreamer;
  ASSERT_TRUE(first && first->usable);
  EXPECT_EQ(first->version, "1.22.0");
  EXPECT_EQ(probes, 3) << "version, elements, trial; the encoders are known";
  EXPECT_EQ(detect().gstreamer->version, "1.22.0");
  EXPECT_EQ(probes, 0);

  elements = "isomp4: mp4mux: MP4 Muxer\n";
  now += 11min;
  EXPECT_EQ(detect().gstreamer->elements, std::vector<std::string>{"mp4mux"});
  std::ofstream(gst_launch, std::ios::app) << "exit 1\n";
  detect();
  EXPECT_EQ(probes, 3) << "another program";
}

TEST_F(Kept, AFileThatIsBrokenOrCannotBeWrittenCostsTimeOnly) {
  std::ofstream(file) << "{\"encoders\": [";
  EXPECT_TRUE(named(detect(), "libx264").usable);
  EXPECT_GT(probes, 0);
  file = dir / "missing/encoders.json";
  EXPECT_TRUE(named(detect(), "libx264").usable);
  EXPECT_TRUE(named(detect(), "libx264").usable);
  EXPECT_GT(probes, 0);
}

}  // namespace
}  // namespace ffrtmp::media
