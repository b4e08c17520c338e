#include "model/sla.h"

#include <gtest/gtest.h>

namespace ffrtmp::model {
namespace {

SlaFacts failed(FailureReason reason) {
  SlaFacts facts;
  facts.end = ResultStatus::kFailed;
  facts.failure = reason;
  return facts;
}

SlaFacts timed_out(TimeoutCause cause) {
  SlaFacts facts = failed(FailureReason::kTimeout);
  facts.end = ResultStatus::kTimedOut;
  facts.timeout_cause = cause;
  return facts;
}

// contract: F47
TEST(Sla, TheFirstRuleThatMatchesJudges) {
  const auto expect = [](const SlaFacts& facts, SlaVerdict verdict, const char* reason) {
    EXPECT_EQ(judge_sla(facts), (SlaJudgement{verdict, reason})) << reason;
  };
  expect(failed(FailureReason::kPlatformError), SlaVerdict::kViolation, "platform_failure");
  expect(failed(FailureReason::kResourceError), SlaVerdict::kViolation, "resource_management_failure");
  expect(failed(FailureReason::kOutputError), SlaVerdict::kViolation, "output_invalid");
  expect(timed_out(TimeoutCause::kStall), SlaVerdict::kViolation, "platform_timeout_exceeded");
  expect(timed_out(TimeoutCause::kDefaultDeadline), SlaVerdict::kViolation, "platform_timeout_exceeded");
  expect(timed_out(TimeoutCause::kTimeoutSec), SlaVerdict::kCompliant, "external_failure_platform_ok");
  for (const auto reason : {FailureReason::kUserError, FailureReason::kInputError, FailureReason::kCapabilityMismatch})
    expect(failed(reason), SlaVerdict::kCompliant, "external_failure_platform_ok");
  for (const auto reason : {FailureReason::kRuntimeError, FailureReason::kNetworkError, FailureReason::kUnknown})
    expect(failed(reason), SlaVerdict::kUndetermined, "cause_unknown");
  expect({}, SlaVerdict::kCompliant, "completed_successfully");

  SlaFacts facts = failed(FailureReason::kUserError);
  facts.processing_seconds = 601;
  expect(facts, SlaVerdict::kViolation, "processing_time_exceeded");
  facts.media_seconds = 400;
  expect(facts, SlaVerdict::kCompliant, "external_failure_platform_ok");
  facts.start_delay_seconds = 60.5;
  expect(facts, SlaVerdict::kViolation, "start_delay_exceeded");
  facts.queued_seconds = 30;
  expect(facts, SlaVerdict::kViolation, "start_delay_exceeded");
  facts.queued_seconds = 30.1;
  expect(facts, SlaVerdict::kViolation, "queue_time_exceeded");
  SlaFacts canceled;
  canceled.end = ResultStatus::kCanceled;
  expect(canceled, SlaVerdict::kCompliant, "canceled");
}

TEST(Sla, TrialsAndTheLowestClassDoNotCount) {
  JobSpec spec;
  spec.scenario = "720p30-h264";
  EXPECT_TRUE(counts_for_sla(spec, std::nullopt));
  EXPECT_TRUE(counts_for_sla(spec, 10));
  EXPECT_FALSE(counts_for_sla(spec, 9.9));
  for (const char* name : {"test", "TEST-1", "debug_x", "Benchmark"}) {
    spec.scenario = name;
    EXPECT_FALSE(counts_for_sla(spec, 60)) << name;
  }
  for (const char* name : {"testing", "latest", "contest-1"}) {
    spec.scenario = name;
    EXPECT_TRUE(counts_for_sla(spec, 60)) << name;
  }
  spec.queue = Queue::kBatch;
  EXPECT_TRUE(counts_for_sla(spec, 60));
  spec.priority = Priority::kLow;
  EXPECT_FALSE(counts_for_sla(spec, 60));
  spec.classification = Classification::kProduction;
  spec.scenario = "test";
  EXPECT_TRUE(counts_for_sla(spec, 1)) << "what was said goes before what is guessed";
  spec.classification = Classification::kBenchmark;
  EXPECT_FALSE(counts_for_sla(spec, 60));
}

TEST(Sla, CategoryIsTheClassificationElseTheQueue) {
  JobSpec spec;
  EXPECT_EQ(sla_category(spec), "other");
  spec.queue = Queue::kBatch;
  EXPECT_EQ(sla_category(spec), "batch");
  spec.classification = Classification::kDebug;
  EXPECT_EQ(sla_category(spec), "debug");
}

}  // namespace
}  // namespace ffrtmp::model
