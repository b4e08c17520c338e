#include "model/spec_rules.h"

#include <gtest/gtest.h>

namespace ffrtmp::model {
namespace {

JobSpec job(std::map<std::string, std::string> parameters, std::string scenario = "nightly") {
  JobSpec spec;
  spec.scenario = std::move(scenario);
  for (auto& [name, value] : parameters) spec.parameters[name] = Scalars::one(value);
  return spec;
}

Parameters resolved(JobSpec spec) {
  auto status = check_spec(spec);
  EXPECT_TRUE(status) << (status ? "" : status.error().message);
  auto result = resolve_parameters(spec, parse_scenario(spec.scenario));
  EXPECT_TRUE(result) << (result ? "" : result.error().field + " " + result.error().message);
  return result ? *result : Parameters{};
}

std::string field_of(JobSpec spec) {
  if (auto status = check_spec(spec); !status) return status.error().field;
  auto result = resolve_parameters(spec, parse_scenario(spec.scenario));
  return result ? "" : result.error().field;
}

TEST(Parameters, DefaultsAreTheContracts) {
  const Parameters p = resolved(job({}));
  EXPECT_EQ(p.codec, "h264");
  EXPECT_EQ(p.bitrate_bps, 2'000'000);
  EXPECT_EQ(p.crf, std::nullopt);
  EXPECT_EQ(p.preset, "auto");
  EXPECT_EQ(p.pixel_format, "yuv420p");
  EXPECT_EQ(p.audio_bitrate_bps, 128'000);
  EXPECT_EQ(p.streams, std::vector<std::string>{"default"});
  EXPECT_EQ(p.width, std::nullopt);
  EXPECT_TRUE(p.allow_fallback);
  EXPECT_FALSE(p.overwrite);
}

TEST(Parameters, ExplicitBeatsScenarioBeatsDefault) {
  const Parameters p = resolved(job({{"resolution", "640x360"}, {"bitrate", "5M"}}, "1080p60-h265-crf28-slow"));
  EXPECT_EQ(p.width, 640);
  EXPECT_EQ(p.height, 360);
  EXPECT_EQ(p.fps, 60);
  EXPECT_EQ(p.codec, "h265");
  EXPECT_EQ(p.preset, "slow");
  EXPECT_EQ(p.bitrate_bps, 5'000'000);
  EXPECT_EQ(p.crf, std::nullopt) << "a bit rate that was asked for replaces the scenario's crf";
  EXPECT_EQ(resolved(job({}, "1080p60-crf28")).crf, 28);
  EXPECT_EQ(resolved(job({}, "1080p60-crf28")).bitrate_bps, std::nullopt);
}

TEST(Parameters, AliasesAreTheSameParameter) {
  const Parameters p = resolved(job({{"encoder", "libx264"},
                                     {"resolution_width", "1280"},
                                     {"resolution_height", "720"},
                                     {"frame_rate", "25"},
                                     {"duration_seconds", "12.5"}}));
  EXPECT_EQ(p.codec, "libx264");
  EXPECT_EQ(p.width, 1280);
  EXPECT_EQ(p.height, 720);
  EXPECT_EQ(p.fps, 25);
  EXPECT_EQ(p.duration_seconds, 12.5);
  EXPECT_FALSE(p.allow_fallback) << "a named encoder is required";
}

TEST(Parameters, EqualSpellingsDoNotContradict) {
  EXPECT_EQ(field_of(job({{"fps", "30"}, {"frame_rate", "30.0"}})), "");
  EXPECT_EQ(field_of(job({{"codec", "h265"}, {"encoder", "hevc"}})), "");
  EXPECT_EQ(field_of(job({{"resolution", "1280X720"}, {"resolution_width", "1280"}, {"resolution_height", "720"}})),
            "");
}

TEST(Parameters, NamedHardwareIsRequired) {
  EXPECT_FALSE(resolved(job({{"hwaccel", "vaapi"}})).allow_fallback);
  EXPECT_TRUE(resolved(job({{"hwaccel", "vaapi"}, {"allow_fallback", "true"}})).allow_fallback);
  EXPECT_TRUE(resolved(job({{"hwaccel", "none"}})).allow_fallback);
}

TEST(Parameters, CopyKeepsWhatTheScenarioWouldChange) {
  const Parameters p = resolved(job({{"codec", "copy"}}, "720p30-h264-crf20"));
  EXPECT_EQ(p.width, std::nullopt);
  EXPECT_EQ(p.fps, std::nullopt);
  EXPECT_EQ(p.crf, std::nullopt);
  EXPECT_EQ(p.bitrate_bps, std::nullopt);
}

TEST(Parameters, ExtraArgsComeAsListOrText) {
  const std::vector<std::string> want{"-g", "60", "-x264-params", "keyint=60:bframes=2"};
  EXPECT_EQ(resolved(job({{"extra_args", "-g 60  -x264-params keyint=60:bframes=2"}})).extra_args, want);
  JobSpec spec = job({});
  spec.parameters["extra_args"] = Scalars{want, true, false};
  EXPECT_EQ(resolved(spec).extra_args, want);
  EXPECT_EQ(resolved(job({{"extra_args", "-bf -1"}})).extra_args, (std::vector<std::string>{"-bf", "-1"}));
}

TEST(Parameters, StreamSpecifiers) {
  JobSpec spec = job({});
  spec.parameters["streams"] = Scalars{{"v:0", "a", "s:1", "a:m:language:eng", "3"}, true, false};
  EXPECT_EQ(resolved(spec).streams.size(), 5U);
  EXPECT_EQ(resolved(job({{"streams", "all"}})).streams, std::vector<std::string>{"all"});
}

TEST(Parameters, AMisspeltNameIsAnsweredWithTheNearest) {
  auto result = resolve_parameters(job({{"bitrat", "2M"}}), {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::kInvalidField);
  EXPECT_EQ(result.error().message, "unknown parameter, did you mean \"bitrate\"?");
}

TEST(Parameters, LiveOutputsAreAcceptedBySyntax) {
  EXPECT_EQ(field_of(job({{"output_mode", "rtmp"}, {"output", "rtmps://host/live/k"}})), "");
  EXPECT_EQ(field_of(job({{"output_mode", "stream"}, {"output", "srt://host:9000"}})), "");
  EXPECT_EQ(field_of(job({{"output_mode", "hls"}, {"output", "/srv/out/live.m3u8"}})), "");
}

TEST(Parameters, TheStreamKeyStandsForItself) {
  const Parameters p = resolved(job({{"output_mode", "rtmp"}, {"rtmp_url", "RTMP://host/live/k_1"}, {"stream_key", "k_1"}}));
  EXPECT_EQ(p.rtmp_url, "rtmp://host/live");
  EXPECT_EQ(p.stream_key, "k_1");
  EXPECT_EQ(resolved(job({{"output_mode", "rtmp"}, {"rtmp_url", "rtmp://host/live"}, {"stream_key", "k_1"}})).rtmp_url,
            "rtmp://host/live");
}

TEST(Parameters, UserInfoOfALiveOutputIsRefusedWithAdvice) {
  const auto refused = resolve_parameters(job({{"output_mode", "rtmp"}, {"output", "rtmp://u:hunter2@host/live/k"}}), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "must not hold a user or password, which process lists would show: use stream_key");
}

TEST(Spec, LimitsUnderParametersAreMoved) {
  JobSpec spec = job({{"timeout_sec", "90"}, {"max_memory_mb", "512"}, {"codec", "h264"}});
  ASSERT_TRUE(check_spec(spec));
  EXPECT_EQ(spec.resource_limits.timeout_sec, 90);
  EXPECT_EQ(spec.resource_limits.max_memory_mb, 512);
  EXPECT_EQ(spec.parameters.size(), 1U);
}

TEST(Bitrate, IsReadInAnyCase) {
  EXPECT_EQ(*parse_bitrate("2000k"), 2'000'000);
  EXPECT_EQ(*parse_bitrate("2000K"), 2'000'000);
  EXPECT_EQ(*parse_bitrate("2.5m"), 2'500'000);
  EXPECT_EQ(*parse_bitrate("128000"), 128'000);
  for (const char* text : {"", "k", "-5M", "5G", "1e6", "5 M", "0x10"}) EXPECT_FALSE(parse_bitrate(text)) << text;
}

}  // namespace
}  // namespace ffrtmp::model
