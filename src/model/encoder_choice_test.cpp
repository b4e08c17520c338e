#include "model/encoder_choice.h"

#include <gtest/gtest.h>

namespace ffrtmp::model {
namespace {

Encoder encoder(std::string name, std::string codec, bool hardware, bool usable, std::optional<std::string> reason = {},
                std::optional<std::string> device = {}) {
  Encoder out;
  out.name = std::move(name);
  out.codec = std::move(codec);
  out.hardware = hardware;
  out.usable = usable;
  out.reason = std::move(reason);
  out.device = std::move(device);
  return out;
}

TEST(EncoderChoice, Sentences) {
  const std::vector<Encoder> encoders{
      encoder("h264_nvenc", "h264", true, false, "CUDA runtime not available (libcuda.so.1 not found)"),
      encoder("h264_vaapi", "h264", true, false, "no usable VAAPI device", "/dev/dri/renderD128"),
      encoder("libx264", "h264", false, true),
      encoder("hevc_vaapi", "hevc", true, true, {}, "/dev/dri/renderD128"),
      encoder("libx265", "hevc", false, true),
      encoder("libvpx-vp9", "vp9", false, true),
      encoder("libvpx", "vp8", false, false, "not compiled in")};
  EXPECT_EQ(explain_choice("h264", encoders),
            "Using software encoder libx264 - hardware encoders unavailable: h264_nvenc (CUDA runtime not available "
            "(libcuda.so.1 not found)), h264_vaapi on /dev/dri/renderD128 (no usable VAAPI device)");
  EXPECT_EQ(explain_choice("hevc", encoders), "Using hardware encoder hevc_vaapi on /dev/dri/renderD128");
  EXPECT_EQ(explain_choice("vp9", encoders), "Using software encoder libvpx-vp9");
  EXPECT_EQ(explain_choice("vp8", encoders), "No usable encoder for vp8");
}

}  // namespace
}  // namespace ffrtmp::model
