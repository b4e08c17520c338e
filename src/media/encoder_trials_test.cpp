#include "media/encoder_trials.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace ffrtmp::media {
namespace {

std::string command_of(const EncodingDevices& devices, std::string_view encoder, Depth depth = Depth::k8Bit) {
  for (const Trial& trial : plan_trials(devices))
    if (trial.encoder == encoder) return join(trial_command("ffmpeg", trial, depth), " ");
  return "none";
}

// contract: F33
TEST(EncoderTrials, CommandsOfEachKind) {
  const EncodingDevices devices{{"1"}, {"/dev/dri/renderD129"}, {}};
  EXPECT_EQ(command_of(devices, "h264_nvenc"),
            "ffmpeg -nostdin -v error -f lavfi -i testsrc2=size=640x360:rate=30 -frames:v 8 -vf format=yuv420p -c:v "
            "h264_nvenc -gpu 1 -f null -");
  EXPECT_EQ(command_of(devices, "hevc_nvenc", Depth::k10Bit),
            "ffmpeg -nostdin -v error -f lavfi -i testsrc2=size=640x360:rate=30 -frames:v 8 -vf format=p010le -c:v "
            "hevc_nvenc -gpu 1 -f null -");
  EXPECT_EQ(command_of(devices, "hevc_vaapi", Depth::k10Bit),
            "ffmpeg -nostdin -v error -init_hw_device vaapi=va:/dev/dri/renderD129 -filter_hw_device va -f lavfi -i "
            "testsrc2=size=640x360:rate=30 -frames:v 8 -vf format=p010le,hwupload -c:v hevc_vaapi -f null -");
  EXPECT_EQ(command_of(devices, "h264_qsv"),
            "ffmpeg -nostdin -v error -init_hw_device vaapi=va:/dev/dri/renderD129 -init_hw_device qsv=qs@va "
            "-filter_hw_device qs -f lavfi -i testsrc2=size=640x360:rate=30 -frames:v 8 -vf "
            "format=nv12,hwupload=extra_hw_frames=64 -c:v h264_qsv -f null -");
  EXPECT_EQ(command_of({}, "libx264", Depth::k10Bit),
            "ffmpeg -nostdin -v error -f lavfi -i testsrc2=size=640x360:rate=30 -frames:v 8 -vf format=yuv420p10le "
            "-c:v libx264 -f null -");
}

TEST(EncoderTrials, OncePerDeviceInOrderOfPreference) {
  std::vector<std::string> h264;
  for (const Trial& trial : plan_trials({{"0", "1"}, {"/dev/dri/renderD128"}, {}}))
    if (trial.codec == "h264") h264.push_back(cat(trial.encoder, "@", trial.device.value_or("")));
  EXPECT_EQ(h264, (std::vector<std::string>{"h264_nvenc@0", "h264_nvenc@1", "h264_qsv@/dev/dri/renderD128",
                                            "h264_vaapi@/dev/dri/renderD128", "libx264@"}));
}

TEST(EncoderTrials, WithoutDevicesOnlyNvencIsAsked) {
  for (const Trial& trial : plan_trials({})) {
    EXPECT_EQ(trial.has_device, trial.api == model::EncoderApi::kNvenc || trial.api == model::EncoderApi::kSoftware)
        << trial.encoder;
    EXPECT_FALSE(trial.device);
  }
}

// The words are those of ffmpeg 5.1.9 (Debian 12) where the device or library is missing; the session limit's and the
// missing NVENC's are from its source, libavcodec/nvenc.c.
TEST(EncoderTrials, ReasonsOfFailures) {  // contract: F33
  EXPECT_EQ(trial_failure(1, "[h264_nvenc @ 0x55f] Cannot load libcuda.so.1\nError initializing output stream 0:0"),
            "CUDA runtime not available (libcuda.so.1 not found)");
  EXPECT_EQ(trial_failure(1, "[h264_nvenc @ 0x55f] Cannot load libnvidia-encode.so.1"), "required library not available");
  EXPECT_EQ(trial_failure(1, "Unknown encoder 'x'"), "encoder not recognized by FFmpeg");
  EXPECT_EQ(trial_failure(127, "ffmpeg: error while loading shared libraries: libx.so: cannot open shared object file"),
            "required library not available");
  EXPECT_EQ(trial_failure(1, "[h264_nvenc @ 0x1] No capable devices found"), "no NVENC-capable GPU found");
  EXPECT_EQ(trial_failure(1, "[AVHWDeviceContext @ 0x1] No VA display found for device /dev/dri/renderD128."),
            "no usable VAAPI device");
  EXPECT_EQ(trial_failure(187, "OpenEncodeSessionEx failed: out of memory (10): (no details)"),
            "encode test failed: exit 187");
}

}  // namespace
}  // namespace ffrtmp::media
