#include "model/requirement.h"

#include <gtest/gtest.h>

namespace ffrtmp::model {
namespace {

Encoder an_encoder(std::string name, std::string codec, bool hardware, std::vector<std::string> pix_fmts = {}) {
  Encoder e;
  e.name = std::move(name);
  e.codec = std::move(codec);
  e.hardware = hardware;
  e.usable = true;
  e.pix_fmts = std::move(pix_fmts);
  return e;
}

NodeFacts a_node() {
  NodeFacts n;
  n.cpu_threads = 8;
  n.ram_total_bytes = std::int64_t{16} << 30;
  n.engines = {{"ffmpeg", "5.1"}};
  n.labels = {{"rack", "a"}};
  n.encoders = {an_encoder("libx264", "h264", false, {"yuv420p", "yuv422p"}), an_encoder("hevc_nvenc", "hevc", true),
                an_encoder("libvpx-vp9", "vp9", false)};
  Encoder broken = an_encoder("av1_nvenc", "av1", true);
  broken.usable = false;
  n.encoders.push_back(broken);
  return n;
}

const Uuid kNode = *parse_uuid("01890000-0000-7000-8000-000000000001");
const Uuid kOther = *parse_uuid("01890000-0000-7000-8000-000000000002");

// The verdict on a job changed by `change` for the node above; "" when it fits.
template <class Change>
std::string verdict(Change change) {
  JobSpec spec;
  Parameters p;
  change(spec, p);
  return unfit_reason(requirement_of(spec, p), kNode, a_node()).value_or("");
}
std::string of_codec(const std::string& codec) {
  return verdict([&](JobSpec&, Parameters& p) { p.codec = codec; });
}

TEST(Requirement, CodecsMapToUsableEncoders) {
  EXPECT_EQ(of_codec("h264"), "");
  EXPECT_EQ(of_codec("h265"), "");
  EXPECT_EQ(of_codec("hevc"), "");
  EXPECT_EQ(of_codec("vp9"), "");
  EXPECT_EQ(of_codec("copy"), "");
  EXPECT_EQ(of_codec("vp8"), "no encoder vp8");
  EXPECT_EQ(of_codec("av1"), "no encoder av1") << "it is there, but not usable";
}

TEST(Requirement, NewCodecsOverRtmpNeedANewFfmpeg) {
  const auto over_rtmp = [](const char* codec, const char* version) {
    JobSpec spec;
    Parameters p;
    p.codec = codec;
    p.output_mode = OutputMode::kRtmp;
    NodeFacts node = a_node();
    node.engines["ffmpeg"] = version;
    return unfit_reason(requirement_of(spec, p), kNode, node).value_or("");
  };
  EXPECT_EQ(over_rtmp("h265", "5.1.9"), "ffmpeg 5.1.9 cannot send h265 over RTMP, 6.1 can");
  EXPECT_EQ(over_rtmp("h265", "6.1.2"), "");
  EXPECT_EQ(over_rtmp("h264", "5.1.9"), "");
}

TEST(Requirement, ALocalHostIsForNodesThatListIt) {
  const auto to = [](const char* url, std::vector<std::string> listed) {
    JobSpec spec;
    Parameters p;
    p.output_mode = OutputMode::kStream;
    p.output = url;
    NodeFacts node = a_node();
    node.roots = std::move(listed);
    return unfit_reason(requirement_of(spec, p), kNode, node).value_or("");
  };
  EXPECT_EQ(to("rtmp://127.0.0.1/live/x", {}), "no permission to send to rtmp://127.0.0.1:1935 (--allow-output)");
  EXPECT_EQ(to("rtmp://127.0.0.1/live/x", {"/srv", "rtmp://127.0.0.1"}), "");
  EXPECT_EQ(to("rtmp://live.example/live/x", {}), "");
  EXPECT_EQ(to("udp://live.example:5000", {}), "no permission to send to udp://live.example:5000 (--allow-output)");
}

TEST(Requirement, AnEncodersNameIsMatchedExactly) {
  EXPECT_EQ(of_codec("libx264"), "");
  EXPECT_EQ(of_codec("hevc_nvenc"), "");
  EXPECT_EQ(of_codec("libx265"), "no encoder libx265");
  EXPECT_EQ(of_codec("h264_nvenc"), "no encoder h264_nvenc");
  EXPECT_EQ(of_codec("av1_nvenc"), "no encoder av1_nvenc");
  EXPECT_EQ(of_codec("libx26"), "no encoder libx26");
}

TEST(Requirement, ANodeWithoutEncodersCopiesOnly) {
  JobSpec spec;
  Parameters p;
  NodeFacts bare = a_node();
  bare.encoders.clear();
  EXPECT_TRUE(unfit_reason(requirement_of(spec, p), kNode, bare));
  p.codec = "copy";
  EXPECT_FALSE(unfit_reason(requirement_of(spec, p), kNode, bare));
}

TEST(Requirement, PixelFormatsCountWhereTheyAreListed) {
  const auto with = [](std::string codec, std::string format) {
    return verdict([&](JobSpec&, Parameters& p) {
      p.codec = codec;
      p.pixel_format = format;
    });
  };
  EXPECT_EQ(with("h264", "yuv422p"), "");
  EXPECT_EQ(with("h264", "p010le"), "no encoder h264 with pixel format p010le");
  EXPECT_EQ(with("vp9", "p010le"), "") << "no list, no limit";
  EXPECT_EQ(with("copy", "p010le"), "");
}

TEST(Requirement, AnAccelerationThatWasNamedIsRequiredUnlessItMayFallBack) {
  const auto with = [](std::string codec, HwAccel hwaccel, bool fallback) {
    return verdict([&](JobSpec&, Parameters& p) {
      p.codec = codec;
      p.hwaccel = hwaccel;
      p.allow_fallback = fallback;
    });
  };
  EXPECT_EQ(with("h265", HwAccel::kCuda, false), "");
  EXPECT_EQ(with("h265", HwAccel::kVaapi, false), "no encoder h265_vaapi");
  EXPECT_EQ(with("h264", HwAccel::kCuda, false), "no encoder h264_nvenc");
  EXPECT_EQ(with("h264", HwAccel::kCuda, true), "");
  EXPECT_EQ(with("h265", HwAccel::kNone, false), "no software encoder h265");
  EXPECT_EQ(with("h264", HwAccel::kNone, true), "");
}

TEST(Requirement, EngineSizeLabelsAndNode) {
  EXPECT_EQ(verdict([](JobSpec& s, Parameters&) { s.engine = Engine::kFfmpeg; }), "");
  EXPECT_EQ(verdict([](JobSpec& s, Parameters&) { s.engine = Engine::kGstreamer; }), "") << "may fall back to ffmpeg";
  EXPECT_EQ(verdict([](JobSpec& s, Parameters& p) {
              s.engine = Engine::kGstreamer;
              p.allow_fallback = false;
            }),
            "no engine gstreamer");
  EXPECT_EQ(verdict([](JobSpec& s, Parameters&) { s.constraints.min_threads = 8; }), "");
  EXPECT_EQ(verdict([](JobSpec& s, Parameters&) { s.constraints.min_threads = 9; }), "8 threads of 9");
  EXPECT_EQ(verdict([](JobSpec& s, Parameters&) { s.constraints.min_ram_mb = 16384; }), "");
  EXPECT_EQ(verdict([](JobSpec& s, Parameters&) { s.constraints.min_ram_mb = 16385; }), "16384 MiB of RAM of 16385");
  EXPECT_EQ(verdict([](JobSpec& s, Parameters&) { s.constraints.labels = {{"rack", "a"}}; }), "");
  EXPECT_EQ(verdict([](JobSpec& s, Parameters&) { s.constraints.labels = {{"rack", "b"}}; }), "no label rack=b");
  EXPECT_EQ(verdict([](JobSpec& s, Parameters&) { s.constraints.node_id = kNode; }), "");
  EXPECT_EQ(verdict([](JobSpec& s, Parameters&) { s.constraints.node_id = kOther; }), "not node " + kOther.str());
}

TEST(Requirement, EqualNeedsAreOneClass) {
  JobSpec spec;
  Parameters a;
  a.codec = "hevc";
  a.audio_codec = AudioCodec::kOpus;
  a.input = "/a";
  a.bitrate_bps = 5'000'000;
  Parameters b;
  b.codec = "H265";
  EXPECT_EQ(requirement_of(spec, a), requirement_of(spec, b));
  b.output_mode = OutputMode::kHls;
  EXPECT_NE(requirement_of(spec, a), requirement_of(spec, b));
}

}  // namespace
}  // namespace ffrtmp::model
