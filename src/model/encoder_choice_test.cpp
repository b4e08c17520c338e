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

TEST(ChooseEncoder, FirstUsableThatFits) {
  const std::vector<Encoder> node{
      {"h264_nvenc", "h264", true, std::nullopt, false, "no NVENC-capable GPU found", {}},
      {"libx264", "h264", false, std::nullopt, true, std::nullopt, {"yuv420p"}},
      {"libx265", "hevc", false, std::nullopt, true, std::nullopt, {"yuv420p", "yuv420p10le"}}};
  Parameters p;
  EXPECT_EQ(choose_encoder(p, node)->name, "libx264");
  p.codec = "h265";
  p.pixel_format = "yuv420p10le";
  EXPECT_EQ(choose_encoder(p, node)->name, "libx265");
  p.codec = "libx264";
  EXPECT_EQ(choose_encoder(p, node).error().message,
            "no usable encoder for libx264 (libx264: cannot encode yuv420p10le)");
  p.codec = "h264_nvenc";
  EXPECT_EQ(choose_encoder(p, node).error().message,
            "no usable encoder for h264_nvenc (h264_nvenc: no NVENC-capable GPU found)");
  p.codec = "h264";
  p.pixel_format = "yuv420p";
  p.hwaccel = HwAccel::kVaapi;
  p.allow_fallback = false;
  EXPECT_FALSE(choose_encoder(p, node)) << "named hardware is required";
  p.allow_fallback = true;
  EXPECT_EQ(choose_encoder(p, node)->name, "libx264");
  p.codec = "copy";
  EXPECT_EQ(choose_encoder(p, node)->name, "copy");
}

TEST(EncoderChoice, BoundedSessionsAreOfTheDevice) {
  Encoder nvenc = encoder("h264_nvenc", "h264", true, true, {}, "0");
  EXPECT_EQ(session_device(nvenc), std::nullopt) << "no bound";
  EXPECT_FALSE(has_bounded_sessions({nvenc}));
  nvenc.sessions = 2;
  EXPECT_EQ(session_device(nvenc), "nvidia 0");
  Encoder vaapi = encoder("h264_vaapi", "h264", true, true, {}, "/dev/dri/renderD128");
  Encoder qsv = encoder("h264_qsv", "h264", true, true, {}, "/dev/dri/renderD128");
  vaapi.sessions = qsv.sessions = 4;
  EXPECT_EQ(session_device(vaapi), session_device(qsv)) << "one device, two interfaces";
  const std::vector<Encoder> node{nvenc, vaapi, encoder("libx264", "h264", false, true)};
  const auto chosen = [&](int held_on_gpu, int held_on_node) {
    return *choose_encoder({}, within_sessions(node, [&](const std::string& device, int sessions) {
                             return (device == "nvidia 0" ? held_on_gpu : held_on_node) < sessions;
                           }));
  };
  EXPECT_EQ(chosen(1, 0).name, "h264_nvenc");
  EXPECT_EQ(chosen(1, 0).session_device, "nvidia 0");
  EXPECT_EQ(chosen(2, 3).name, "h264_vaapi");
  EXPECT_EQ(chosen(2, 4).name, "libx264");
  EXPECT_EQ(chosen(2, 4).session_device, std::nullopt);
}

}  // namespace
}  // namespace ffrtmp::model
