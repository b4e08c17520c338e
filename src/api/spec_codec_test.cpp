// POST /jobs from its text to its typed parameters.
#include <gtest/gtest.h>

#include "api/codec.h"
#include "model/spec_rules.h"
#include "tests/support/bad_fields.h"

namespace ffrtmp::api {
namespace {

Result<model::Parameters> read(const std::string& body) {
  FFRTMP_ASSIGN(model::JobSpec spec, decode_job_spec(body, 3));
  FFRTMP_TRY(model::check_spec(spec));
  return model::resolve_parameters(spec, model::parse_scenario(spec.scenario));
}

// contract: F3
TEST(SpecCodec, EveryFieldOutOfRangeIsNamed) {
  for (const test::BadField& row : test::bad_fields()) {
    const std::string body = test::body_of(row);
    const auto result = read(body);
    ASSERT_FALSE(result) << body;
    EXPECT_EQ(result.error().code, Errc::kInvalidField) << body << ": " << result.error().message;
    EXPECT_EQ(result.error().field, row.field) << body << ": " << result.error().message;
    EXPECT_FALSE(result.error().message.empty()) << body;
  }
}

// contract: F2
TEST(SpecCodec, TextThatIsNoJsonIsABadRequest) {
  for (const char* body : {"", "{", "[]", "nonsense", "{\"scenario\":\"x\"} trailing"}) {
    const auto result = read(body);
    ASSERT_FALSE(result) << body;
    EXPECT_EQ(http_status(result.error().code), 400) << body;
  }
}

TEST(SpecCodec, EdgesOfTheRangesAreAccepted) {
  for (const char* parameters :
       {R"({"bitrate":"50k"})", R"({"bitrate":"500M"})", R"({"bitrate":2000000})", R"({"crf":0})", R"({"crf":63})",
        R"({"resolution":"16x16"})", R"({"resolution":"8192x8192"})", R"({"fps":300})", R"({"fps":0.5})",
        R"({"duration":86400})", R"({"duration":0.001})", R"({"threads":256})", R"({"audio_bitrate":"512k"})",
        R"({"overwrite":true,"allow_fallback":false})", R"({"codec":"h264_nvenc","preset":"veryslow"})"}) {
    const auto result = read(std::string(R"({"scenario":"x","max_retries":0,"parameters":)") + parameters + "}");
    EXPECT_TRUE(result) << parameters << ": " << (result ? "" : result.error().message);
  }
}

TEST(SpecCodec, AJobThatDoesNotSayHowOftenGetsTheMastersDefault) {
  EXPECT_EQ(decode_job_spec(R"({"scenario":"x"})", 7)->max_retries, 7);
  EXPECT_EQ(decode_job_spec(R"({"scenario":"x","max_retries":0})", 7)->max_retries, 0);
}

}  // namespace
}  // namespace ffrtmp::api
