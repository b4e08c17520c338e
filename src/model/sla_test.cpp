#include "model/sla.h"

#include <gtest/gtest.h>

namespace ffrtmp::model {
namespace {

using namespace std::chrono_literals;
using enum FailureReason;

struct Row {
  const char* what;
  SlaFacts facts;
  SlaVerdict verdict;
  const char* reason;
};

SlaFacts failed(FailureReason reason, std::optional<TimeoutCause> cause = {}) {
  SlaFacts facts;
  facts.end = reason == kTimeout ? JobState::kTimedOut : JobState::kFailed;
  facts.failure_reason = reason;
  facts.timeout_cause = cause;
  return facts;
}
SlaFacts ended(JobState end) {
  SlaFacts facts;
  facts.end = end;
  return facts;
}
SlaFacts with_times(SlaFacts facts, std::chrono::microseconds queued, std::chrono::microseconds delay,
                    std::chrono::microseconds processing, std::optional<double> media = {}) {
  facts.queued = queued;
  facts.start_delay = delay;
  facts.processing = processing;
  facts.media_seconds = media;
  return facts;
}

// contract: F47
TEST(Sla, TheFirstRowThatMatchesDecides) {
  using enum SlaVerdict;
  const SlaFacts good = ended(JobState::kCompleted);
  const std::vector<Row> rows{
      {"completed", good, kCompliant, ""},
      {"canceled", ended(JobState::kCanceled), kCompliant, ""},
      {"queued 30 s", with_times(good, 30s, 0s, 0s), kCompliant, ""},
      {"queued longer", with_times(good, 30s + 1us, 0s, 0s), kViolation, "queue_time_exceeded"},
      {"started after 60 s", with_times(good, 0s, 60s, 0s), kCompliant, ""},
      {"started later", with_times(good, 0s, 60s + 1us, 0s), kViolation, "start_delay_exceeded"},
      {"queue before start", with_times(good, 31s, 61s, 0s), kViolation, "queue_time_exceeded"},
      {"queue before the user's fault", with_times(failed(kUserError), 31s, 0s, 0s), kViolation, "queue_time_exceeded"},
      {"canceled in a long queue", with_times(ended(JobState::kCanceled), 31s, 0s, 0s), kViolation,
       "queue_time_exceeded"},
      {"disk full", failed(kPlatformError), kViolation, "platform_failure"},
      {"out of memory", failed(kResourceError), kViolation, "resource_management_failure"},
      {"bad output", failed(kOutputError), kViolation, "output_invalid"},
      {"stall", failed(kTimeout, TimeoutCause::kStall), kViolation, "platform_timeout_exceeded"},
      {"our deadline", failed(kTimeout, TimeoutCause::kDefaultDeadline), kViolation, "platform_timeout_exceeded"},
      {"a timeout nobody explains", failed(kTimeout), kViolation, "platform_timeout_exceeded"},
      {"its own timeout", failed(kTimeout, TimeoutCause::kTimeoutSec), kCompliant, "external_failure_platform_ok"},
      {"600 s of work", with_times(good, 0s, 0s, 600s), kCompliant, ""},
      {"more", with_times(good, 0s, 0s, 600s + 1us), kViolation, "processing_time_exceeded"},
      {"twice the media", with_times(good, 0s, 0s, 1000s, 500.0), kCompliant, ""},
      {"more than twice", with_times(good, 0s, 0s, 1000s + 1us, 500.0), kViolation, "processing_time_exceeded"},
      {"long work before an unknown cause", with_times(failed(kUnknown), 0s, 0s, 601s), kViolation,
       "processing_time_exceeded"},
      {"platform before long work", with_times(failed(kPlatformError), 0s, 0s, 601s), kViolation, "platform_failure"},
      {"its own timeout after long work", with_times(failed(kTimeout, TimeoutCause::kTimeoutSec), 0s, 0s, 601s),
       kViolation, "processing_time_exceeded"},
      {"unknown crash", failed(kUnknown), kUndetermined, "cause_unknown"},
      {"recognised crash", failed(kRuntimeError), kUndetermined, "cause_unknown"},
      {"network", failed(kNetworkError), kUndetermined, "cause_unknown"},
      {"failed without a reason", ended(JobState::kFailed), kUndetermined, "cause_unknown"},
      {"user", failed(kUserError), kCompliant, "external_failure_platform_ok"},
      {"input", failed(kInputError), kCompliant, "external_failure_platform_ok"},
      {"capability", failed(kCapabilityMismatch), kCompliant, "external_failure_platform_ok"},
      {"rejected", ended(JobState::kRejected), kCompliant, "external_failure_platform_ok"},
  };
  for (const Row& row : rows) {
    const SlaJudgement judgement = judge_sla(row.facts);
    EXPECT_EQ(judgement.verdict, row.verdict) << row.what;
    EXPECT_EQ(judgement.reason, row.reason) << row.what;
  }
}

TEST(Sla, WorthyIsWhatSomebodyWaitsFor) {
  const auto worthy = [](const std::string& scenario, auto change) {
    JobSpec spec;
    Parameters p;
    spec.scenario = scenario;
    change(spec, p);
    return is_sla_worthy(spec, p);
  };
  const auto plain = [](JobSpec&, Parameters&) {};
  for (const char* scenario : {"720p30-h264", "testament", "latest", "prod-test", "debugger", "benchmarks"})
    EXPECT_TRUE(worthy(scenario, plain)) << scenario;
  for (const char* scenario : {"test", "TEST", "Test-720p", "debug_x", "benchmark-", "Benchmark_4K"})
    EXPECT_FALSE(worthy(scenario, plain)) << scenario;
  const auto classified = [](Classification c) { return [c](JobSpec& s, Parameters&) { s.classification = c; }; };
  EXPECT_TRUE(worthy("test", classified(Classification::kProduction))) << "what is said stands over the name";
  for (const auto c : {Classification::kTest, Classification::kBenchmark, Classification::kDebug})
    EXPECT_FALSE(worthy("720p30-h264", classified(c)));
  const auto lasting = [](double seconds) {
    return [seconds](JobSpec&, Parameters& p) { p.duration_seconds = seconds; };
  };
  EXPECT_FALSE(worthy("720p", lasting(9.99)));
  EXPECT_TRUE(worthy("720p", lasting(10)));
  const auto batch = [](Priority priority) {
    return [priority](JobSpec& s, Parameters&) {
      s.queue = Queue::kBatch;
      s.priority = priority;
    };
  };
  EXPECT_FALSE(worthy("720p", batch(Priority::kLow)));
  EXPECT_TRUE(worthy("720p", batch(Priority::kMedium)));
}

TEST(Sla, Categories) {
  JobSpec spec;
  EXPECT_EQ(sla_category(spec), "other");
  spec.queue = Queue::kBatch;
  EXPECT_EQ(sla_category(spec), "batch");
  spec.classification = Classification::kBenchmark;
  EXPECT_EQ(sla_category(spec), "benchmark");
  spec.classification = Classification::kProduction;
  EXPECT_EQ(sla_category(spec), "production");
}

}  // namespace
}  // namespace ffrtmp::model
