#include "worker/meters.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/text.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::worker {
namespace {

class MetersTest : public testing::Test {
 protected:
  // The value of the one sample that starts so.
  std::string value(const std::string& sample) {
    const std::string text = meters_.expose();
    const auto at = text.find("\n" + sample + " ");
    if (at == std::string::npos) return cat("no ", sample, " in\n", text);
    const auto from = at + sample.size() + 2;
    return text.substr(from, text.find('\n', from) - from);
  }
  static api::ClaimedJob job() {
    api::ClaimedJob job;
    job.id = *parse_uuid("01890000-0000-7000-8000-000000000001");
    return job;
  }

  test::TempDir dir_;
  LoadMeter load_{sys::Host{dir_ / "proc", dir_ / "sys"}, dir_.path()};
  Meters meters_{load_, [] { return 3; }};
};

TEST_F(MetersTest, CountsEndsByTheirKind) {
  model::AttemptResult good;
  good.status = model::ResultStatus::kCompleted;
  good.output.emplace().size_bytes = 500;
  good.input.emplace().size_bytes = 900;
  good.encoder = model::EncoderUsed{"h264_nvenc", "libx264", true, "broken"};
  meters_.ended(job(), good);
  model::AttemptResult killed;
  killed.status = model::ResultStatus::kCanceled;
  killed.graceful = false;
  meters_.ended(job(), killed);
  killed.graceful = true;
  meters_.ended(job(), killed);
  model::AttemptResult late;
  late.status = model::ResultStatus::kTimedOut;
  late.failure_reason = model::FailureReason::kTimeout;
  late.timeout_cause = model::TimeoutCause::kStall;
  late.stats.emplace().run_seconds = 130;
  meters_.ended(job(), late);
  meters_.heard();

  const std::string worker = "{component=\"worker\"}";
  EXPECT_EQ(value("ffrtmp_worker_jobs_completed_total" + worker), "1");
  EXPECT_EQ(value("ffrtmp_worker_jobs_failed_total" + worker), "1");
  EXPECT_EQ(value("ffrtmp_worker_jobs_canceled_total" + worker), "2");
  EXPECT_EQ(value("ffrtmp_worker_jobs_canceled_graceful_total" + worker), "1");
  EXPECT_EQ(value("ffrtmp_worker_jobs_canceled_forceful_total" + worker), "1");
  EXPECT_EQ(value("ffrtmp_worker_jobs_sla_compliant_total" + worker), "3");
  EXPECT_EQ(value("ffrtmp_worker_jobs_sla_violation_total" + worker), "1");
  EXPECT_EQ(value("ffrtmp_worker_sla_compliance_rate" + worker), "0.75");
  EXPECT_EQ(value("ffrtmp_job_input_bytes_total" + worker), "900");
  EXPECT_EQ(value("ffrtmp_job_output_bytes_total" + worker), "500");
  EXPECT_EQ(value("ffrtmp_worker_encoder_fallback_total{component=\"worker\",from=\"h264_nvenc\",to=\"libx264\"}"),
            "1");
  EXPECT_EQ(value("ffrtmp_worker_heartbeats_total" + worker), "1");
  EXPECT_EQ(value("ffrtmp_worker_active_jobs" + worker), "3");
  const auto violations = meters_.violations();
  ASSERT_EQ(violations.size(), 1U);
  EXPECT_EQ(violations[0].reason, "platform_timeout_exceeded");
  EXPECT_EQ(violations[0].duration_seconds, 130);
}

TEST_F(MetersTest, KeepsTheLastFiftyViolations) {
  model::AttemptResult broken;
  broken.failure_reason = model::FailureReason::kOutputError;
  for (int i = 0; i < 60; ++i) {
    broken.exit_code = i;
    meters_.ended(job(), broken);
  }
  ASSERT_EQ(meters_.violations().size(), 50U);
  EXPECT_EQ(meters_.violations().front().exit_code, 59);
}

TEST_F(MetersTest, WhatIsNotMeasuredIsAbsent) {
  const std::string text = meters_.expose();
  for (const char* name :
       {"\nffrtmp_worker_cpu_usage", "\nffrtmp_worker_memory_bytes", "\nffrtmp_worker_sla_compliance_rate"})
    EXPECT_EQ(text.find(name), std::string::npos) << name << text;
}

// contract: F48
TEST_F(MetersTest, TenThousandJobsMakeNoMoreSeriesThanOneOfEachKind) {
  const auto run = [&](int i) {
    api::ClaimedJob one = job();
    one.id.bytes[15] = static_cast<unsigned char>(i);
    one.scenario = cat("scenario-", i);
    model::AttemptResult result;
    result.status = static_cast<model::ResultStatus>(i % 4);
    result.failure_reason = static_cast<model::FailureReason>(i % 10);
    result.error = cat("error ", i);
    result.output.emplace().path = cat("/media/", i);
    result.output->size_bytes = i;
    result.encoder = model::EncoderUsed{"h264_nvenc", "libx264", true, cat("reason ", i)};
    meters_.ended(one, result);
  };
  const auto series = [&] {
    const std::string text = meters_.expose();
    return std::count(text.begin(), text.end(), '\n');
  };
  for (int i = 0; i < 40; ++i) run(i);
  const auto before = series();
  for (int i = 40; i < 10'000; ++i) run(i);
  EXPECT_EQ(series(), before);
}

TEST_F(MetersTest, TellsWhatTheMachineCan) {
  model::NodeFacts facts;
  facts.gpus.emplace_back();
  facts.hwaccels = {"vaapi"};
  model::Encoder encoder;
  encoder.name = "h264_vaapi";
  encoder.device = "/dev/dri/renderD128";
  encoder.usable = true;
  facts.encoders = {encoder};
  meters_.know_machine(facts);
  meters_.know_node(*parse_uuid("01890000-0000-7000-8000-000000000009"));
  const std::string labels = "{component=\"worker\",node_id=\"01890000-0000-7000-8000-000000000009\"";
  EXPECT_EQ(value("ffrtmp_worker_has_gpu" + labels + "}"), "1");
  EXPECT_EQ(value("ffrtmp_worker_vaapi_available" + labels + "}"), "1");
  EXPECT_EQ(value("ffrtmp_worker_nvenc_available" + labels + "}"), "0");
  EXPECT_EQ(value("ffrtmp_worker_encoder_usable" + labels + ",encoder=\"h264_vaapi\",device=\"/dev/dri/renderD128\"}"),
            "1");
}

}  // namespace
}  // namespace ffrtmp::worker
