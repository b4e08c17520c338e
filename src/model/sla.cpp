#include "model/sla.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"

namespace ffrtmp::model {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

constexpr seconds kMostQueued{30};
constexpr seconds kMostStartDelay{60};
constexpr seconds kProcessingFloor{600};
constexpr double kShortestSeconds = 10;

// "test", "TEST-1080p", "debug_x"; not "testament".
bool names_a_trial(std::string_view scenario) {
  constexpr std::array<std::string_view, 3> kTrials{"test", "debug", "benchmark"};
  const std::string lower = to_lower(scenario);
  return std::any_of(kTrials.begin(), kTrials.end(), [&](std::string_view trial) {
    if (!lower.starts_with(trial)) return false;
    return lower.size() == trial.size() || lower[trial.size()] == '-' || lower[trial.size()] == '_';
  });
}

microseconds most_processing(const std::optional<double>& media_seconds) {
  const microseconds twice(std::llround(2e6 * media_seconds.value_or(0)));
  return std::max<microseconds>(kProcessingFloor, twice);
}

SlaJudgement violation(std::string reason) { return {SlaVerdict::kViolation, std::move(reason)}; }

// What the platform is to blame for by the reason alone.
std::optional<SlaJudgement> judge_platform(FailureReason reason, std::optional<TimeoutCause> timeout_cause) {
  switch (reason) {
    case FailureReason::kPlatformError:
      return violation("platform_failure");
    case FailureReason::kResourceError:
      return violation("resource_management_failure");
    case FailureReason::kOutputError:
      return violation("output_invalid");
    case FailureReason::kTimeout:
      if (timeout_cause != TimeoutCause::kTimeoutSec) return violation("platform_timeout_exceeded");
      break;
    default:
      break;
  }
  return std::nullopt;
}

bool is_of_unknown_cause(FailureReason reason) {
  return reason == FailureReason::kRuntimeError || reason == FailureReason::kNetworkError ||
         reason == FailureReason::kUnknown;
}

// Of a job that failed; nothing for one that did not.
std::optional<FailureReason> failure_of(const SlaFacts& facts) {
  if (facts.end == JobState::kCompleted || facts.end == JobState::kCanceled) return std::nullopt;
  if (facts.end == JobState::kRejected) return FailureReason::kCapabilityMismatch;
  return facts.failure_reason.value_or(FailureReason::kUnknown);
}

}  // namespace

bool is_sla_worthy(const JobSpec& spec, const Parameters& effective) {
  if (spec.classification) return *spec.classification == Classification::kProduction;
  if (names_a_trial(spec.scenario)) return false;
  if (effective.duration_seconds.value_or(kShortestSeconds) < kShortestSeconds) return false;
  return spec.queue != Queue::kBatch || spec.priority != Priority::kLow;
}

std::string_view sla_category(const JobSpec& spec) {
  if (!spec.classification) return spec.queue == Queue::kBatch ? "batch" : "other";
  switch (*spec.classification) {
    case Classification::kProduction:
      return "production";
    case Classification::kTest:
      return "test";
    case Classification::kBenchmark:
      return "benchmark";
    case Classification::kDebug:
      break;
  }
  return "debug";
}

SlaJudgement judge_sla(const SlaFacts& facts) {
  if (facts.queued > kMostQueued) return violation("queue_time_exceeded");
  if (facts.start_delay > kMostStartDelay) return violation("start_delay_exceeded");
  const auto failure = failure_of(facts);
  if (failure)
    if (auto blamed = judge_platform(*failure, facts.timeout_cause)) return std::move(*blamed);
  if (facts.processing > most_processing(facts.media_seconds)) return violation("processing_time_exceeded");
  if (!failure) return {};
  if (is_of_unknown_cause(*failure)) return {SlaVerdict::kUndetermined, "cause_unknown"};
  return {SlaVerdict::kCompliant, "external_failure_platform_ok"};
}

}  // namespace ffrtmp::model
