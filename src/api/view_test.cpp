#include "api/view.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::api {
namespace {

Uuid id(char last) { return *parse_uuid(std::string("01890000-0000-7000-8000-00000000000") + last); }
const UtcTime kTime = test::ManualClock().now().utc;

store::JobDetail sample_detail() {
  store::JobDetail detail;
  model::Job& job = detail.view.job;
  job.id = id('1');
  job.sequence_number = 7;
  job.owner = "admin";
  job.created_at = kTime;
  job.spec.scenario = "720p30-h264";
  job.spec.parameters["input"] = Scalars::one("/media/in.mkv");
  job.spec.parameters["crf"] = Scalars{{"23"}, false, true};
  job.spec.parameters["stream_key"] = Scalars::one("hunter2");
  job.spec.parameters["rtmp_url"] = Scalars::one("rtmp://u:hunter2@host/live/hunter2");
  job.effective.input = "/media/in.mkv";
  job.effective.width = 1280;
  job.effective.height = 720;
  job.effective.fps = 30;
  job.effective.crf = 23;
  job.effective.stream_key = "hunter2";
  job.effective.rtmp_url = "rtmp://u:hunter2@host/live/hunter2";
  job.scenario_parsed.height = 720;
  job.now.status = model::JobState::kRunning;
  job.now.desired = model::Desired::kPaused;
  job.now.queued_at = job.now.last_activity_at = kTime;
  job.now.started_at = kTime + std::chrono::seconds(2);
  job.now.node_id = id('2');
  job.now.attempt_id = id('3');
  detail.view.progress =
      model::Progress{model::Phase::kRunning, 47.5, 1425, 98.5, std::nullopt, {}, {}, {}, 47'500, {}};
  detail.transitions = {{std::nullopt, model::JobState::kQueued, kTime, "submitted", "key:admin", std::nullopt}};
  model::Attempt attempt;
  attempt.id = id('3');
  attempt.node_id = id('2');
  attempt.claimed_at = kTime;
  detail.attempts = {attempt};
  return detail;
}

store::NodeView sample_node() {
  store::NodeView view;
  view.node.id = id('2');
  view.node.token_hash = "5f16";
  view.node.facts.name = "encoder-1";
  view.node.facts.cpu_threads = 8;
  view.node.facts.encoders = {{"libx264", "h264", false, std::nullopt, true, std::nullopt, {"yuv420p"}}};
  view.node.registered_at = view.node.last_heartbeat_at = kTime;
  view.status = model::NodeStatus::kBusy;
  view.load.load1 = 1.5;
  view.active_attempts = {id('3')};
  return view;
}

ClaimReply sample_claim() {
  ClaimReply reply;
  ClaimItem item;
  item.job.id = id('1');
  item.job.sequence_number = 7;
  item.job.scenario = "720p30-h264";
  item.job.parameters = sample_detail().view.job.effective;
  item.attempt.id = id('3');
  item.attempt.lease_ms = 90'000;
  item.attempt.lease_seconds = 90;
  item.earlier_grants = {{"/media/out.mp4", 123, "ab"}};
  reply.claims = {item};
  reply.commands = {{"c/1", id('3'), "cancel", 10}};
  return reply;
}

void expect_golden(const std::string& name, const std::string& text) {
  EXPECT_EQ(text + "\n", test::read_file(std::string(FFRTMP_SOURCE_DIR) + "/tests/golden/" + name)) << name;
}

TEST(Golden, OneDocumentOfEachType) {
  expect_golden("job.json", encode(make_job_detail(sample_detail(), "encoder-1")));
  expect_golden("node.json", encode(make_node(sample_node())));
  expect_golden("claim.json", encode(sample_claim()));
  expect_golden("error.json", encode_error(field_error("parameters.crf", "must be a whole number from 0 to 63")));
}

TEST(Codec, WhatWasEncodedReadsBackEqual) {
  const std::string job = encode(make_job_detail(sample_detail(), "encoder-1"));
  EXPECT_EQ(encode(*decode<Job>(job)), job);
  const std::string claim = encode(sample_claim());
  EXPECT_EQ(encode(*decode<ClaimReply>(claim)), claim);
  const std::string node = encode(make_node(sample_node()));
  EXPECT_EQ(encode(*decode<Node>(node)), node);
}

TEST(Codec, PeopleAreStrictWorkersAreNot) {
  const auto people = decode<CancelRequest>(R"({"grace_second":5})");
  ASSERT_FALSE(people);
  EXPECT_EQ(people.error().code, Errc::kInvalidField);
  EXPECT_EQ(people.error().field, "grace_second");
  EXPECT_TRUE(decode<ProgressRequest>(R"({"seq":3,"phase":"running","made_of":"later"})"));
}

// contract: F12
TEST(Codec, AResultOfUnknownStatusNamesTheField) {
  const auto result =
      decode<model::AttemptResult>(R"({"result_id":"01890000-0000-7000-8000-000000000001","status":"banana"})");
  ASSERT_FALSE(result);
  EXPECT_EQ(http_status(result.error().code), 422);
  EXPECT_EQ(result.error().field, "status");
}

TEST(Codec, AnErrorComesBackAsItWas) {
  const Error error = decode_error(409, encode_error(make_error(Errc::kStaleAttempt, "attempt is over")));
  EXPECT_EQ(error.code, Errc::kStaleAttempt);
  EXPECT_EQ(error.message, "attempt is over");
  EXPECT_EQ(decode_error(404, "<html>").code, Errc::kNotFound);
  EXPECT_EQ(decode_error(503, "").code, Errc::kUnavailable);
  EXPECT_EQ(decode_error(409, R"({"error":{"code":"of_tomorrow","message":"x"}})").code, Errc::kInternal);
}

TEST(Mask, NoSecretIsShown) {
  const std::string text = encode(make_job_detail(sample_detail(), std::nullopt));
  EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
  EXPECT_EQ(mask_url("rtmp://u:p@host/live"), "rtmp://***@host/live");
  EXPECT_EQ(mask_url("rtmp://u:p@ss@host/live?x=a@b"), "rtmp://***@host/live?x=a@b");
  EXPECT_EQ(mask_url("rtmp://host/a@b"), "rtmp://host/a@b");
  EXPECT_EQ(mask_url("/media/a@b.mp4"), "/media/a@b.mp4");
}

}  // namespace
}  // namespace ffrtmp::api
