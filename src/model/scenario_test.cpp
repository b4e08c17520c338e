#include <gtest/gtest.h>

#include "model/spec_rules.h"

namespace ffrtmp::model {
namespace {

struct Row {
  const char* name;
  ScenarioParsed want;
};

ScenarioParsed parsed(std::optional<int> width, std::optional<int> height, std::optional<double> fps = {},
                      std::optional<std::string> codec = {}) {
  ScenarioParsed out;
  out.width = width;
  out.height = height;
  out.fps = fps;
  out.codec = std::move(codec);
  return out;
}

ScenarioParsed with(ScenarioParsed out, std::optional<std::string> pixel_format, std::optional<int> crf = {},
                    std::optional<std::string> preset = {}, std::vector<std::string> ignored = {}) {
  out.pixel_format = std::move(pixel_format);
  out.crf = crf;
  out.preset = std::move(preset);
  out.ignored = std::move(ignored);
  return out;
}

TEST(Scenario, NamesAreReadAsTheContractSays) {
  const Row kRows[]{
      {"1080p60-h265", parsed(1920, 1080, 60, "h265")},
      {"1080P60-H265", parsed(1920, 1080, 60, "h265")},
      {"480p30-av1", parsed(854, 480, 30, "av1")},
      {"720p", parsed(1280, 720)},
      {"720p-vp9", parsed(1280, 720, {}, "vp9")},
      {"720p29.97-hevc", parsed(1280, 720, 29.97, "hevc")},
      {"240p30", parsed(426, 240, 30)},
      {"144p15-h264", parsed(256, 144, 15, "h264")},
      {"4320p30-av1", parsed(7680, 4320, 30, "av1")},
      {"2K-h264", parsed(2560, 1440, {}, "h264")},
      {"4k60-h265", parsed(3840, 2160, 60, "h265")},
      {"4Kp60", parsed(3840, 2160, 60)},
      {"8K", parsed(7680, 4320)},
      {"1080p30-h265-10bit-crf28-slow", with(parsed(1920, 1080, 30, "h265"), "yuv420p10le", 28, "slow")},
      {"1080p30-444-h264", with(parsed(1920, 1080, 30, "h264"), "yuv444p")},
      {"1080p30-10bit-444", with(parsed(1920, 1080, 30), "yuv420p10le", {}, {}, {"444"})},
      {"1080p30-h264-crf64-nightly", with(parsed(1920, 1080, 30, "h264"), {}, {}, {}, {"crf64", "nightly"})},
      {"720p30-h264-h265", with(parsed(1280, 720, 30, "h264"), {}, {}, {}, {"h265"})},
      // Labels: nothing is read from them.
      {"smoke-test", {}},
      {"h264-1080p", {}},
      {"143p30", {}},
      {"142p30", {}},
      {"4322p30", {}},
      {"721p30", {}},
      {"720p301-h264", {}},
      {"720p0", {}},
      {"720", {}},
      {"6k", {}},
      {"p30", {}},
      {"99999999999999999999p30", {}},
  };
  for (const Row& row : kRows) EXPECT_EQ(parse_scenario(row.name), row.want) << row.name;
}

}  // namespace
}  // namespace ffrtmp::model
