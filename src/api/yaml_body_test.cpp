#include "api/yaml_body.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "base/text.h"

namespace ffrtmp::api {
namespace {

std::string json(std::string_view yaml) {
  auto text = json_of_yaml(yaml);
  return text ? *text : text.error().message;
}

TEST(YamlBody, AJobAsAPersonWritesIt) {
  const std::string text = json(R"(# nightly
scenario: 720p30-h264
queue: batch
max_retries: 0
parameters:
  input: /media/in.mkv
  output: "/media/out.mp4"
  bitrate: 2M
  fps: 29.97
  overwrite: true
  streams: [v:0, a]
constraints:
  labels: {zone: "7"}
)");
  EXPECT_EQ(text, R"({"scenario":"720p30-h264","queue":"batch","max_retries":0,"parameters":{"input":"/media/in.mkv",)"
                  R"("output":"/media/out.mp4","bitrate":"2M","fps":29.97,"overwrite":true,"streams":["v:0","a"]},)"
                  R"("constraints":{"labels":{"zone":"7"}}})");
  const auto spec = decode_job_spec(text, 3);
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->max_retries, 0);
}

TEST(YamlBody, OnlyWhatJsonCallsANumberIsOne) {
  for (const char* number : {"0", "-1", "12", "1.5", "1e3", "-0.5E+10"})
    EXPECT_EQ(json(cat("a: ", number)), cat(R"({"a":)", number, "}"));
  for (const char* text :
       {"010", "1.", ".5", "+1", "0x10", "1_000", "1e", "--1", "12:30", "2M", ".inf", "yes", "off", "True"})
    EXPECT_EQ(json(cat("a: ", text)), cat(R"({"a":")", text, R"("})"));
  EXPECT_EQ(json("a: '12'\nb: \"true\"\nc: null\nd: ~\ne:\nf: 'null'"),
            R"({"a":"12","b":"true","c":null,"d":null,"e":null,"f":"null"})");
  EXPECT_EQ(json("a: []\nb: {}"), R"({"a":[],"b":{}})");
  EXPECT_EQ(json("a: \"x\\ny \\u00e9 \\\"\""), "{\"a\":\"x\\ny \u00e9 \\\"\"}");
}

TEST(YamlBody, FaultsNameTheirPlace) {
  EXPECT_EQ(json("scenario: x\nqueue: live\nscenario: y\n"), "line 3, column 1: \"scenario\" stands twice");
  EXPECT_EQ(json("a: 1\n---\nb: 2\n").substr(0, 5), "line ");
  EXPECT_EQ(json("a: [1\nb: 2\n").substr(0, 5), "line ");
  EXPECT_EQ(json("? [a]\n: b\n").substr(0, 5), "line ");
  EXPECT_EQ(json(""), "holds nothing");
  EXPECT_EQ(json("# only a comment\n"), "holds nothing");
  EXPECT_FALSE(json_of_yaml("a: *nobody\n"));
  EXPECT_FALSE(json_of_yaml(std::string(100'000, '[')));
  EXPECT_FALSE(json_of_yaml("\t- a\n- b: \xff"));
}

TEST(YamlBody, AliasesDoNotGrowWithoutEnd) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    text += cat("a", i, ": &a", i, " [");
    for (int k = 0; k < 10; ++k) text += cat(k == 0 ? "" : ", ", "*a", i - 1);
    text += "]\n";
  }
  const auto grown = json_of_yaml(text);
  ASSERT_FALSE(grown);
  EXPECT_NE(grown.error().message.find("more than 1048576 bytes"), std::string::npos) << grown.error().message;
}

}  // namespace
}  // namespace ffrtmp::api
