#include "model/sla.h"

#include <algorithm>

#include "base/text.h"

namespace ffrtmp::model {
namespace {

constexpr double kMaxQueuedSeconds = 30;
constexpr double kMaxStartDelaySeconds = 60;
constexpr double kMinProcessingLimitSeconds = 600;
constexpr double kProcessingFactor = 2;
constexpr double kShortSeconds = 10;

bool exceeds(const std::optional<double>& value, double limit) { return value && *value > limit; }

SlaJudgement violation(std::string reason) { return {SlaVerdict::kViolation, std::move(reason)}; }

bool is_own_timeout(const SlaFacts& facts) { return facts.timeout_cause == TimeoutCause::kTimeoutSec; }

// "test", "Debug-2", "benchmark_a": alone or before a separator.
bool is_trial_name(std::string_view scenario) {
  const std::string name = to_lower(scenario);
  constexpr std::string_view kWords[] = {"test", "debug", "benchmark"};
  return std::any_of(std::begin(kWords), std::end(kWords), [&](std::string_view word) {
    return name.starts_with(word) &&
           (name.size() == word.size() || name[word.size()] == '-' || name[word.size()] == '_');
  });
}

}  // namespace

SlaJudgement judge_sla(const SlaFacts& facts) {
  if (exceeds(facts.queued_seconds, kMaxQueuedSeconds)) return violation("queue_time_exceeded");
  if (exceeds(facts.start_delay_seconds, kMaxStartDelaySeconds)) return violation("start_delay_exceeded");
  if (facts.failure == FailureReason::kPlatformError) return violation("platform_failure");
  if (facts.failure == FailureReason::kResourceError) return violation("resource_management_failure");
  if (facts.failure == FailureReason::kOutputError) return violation("output_invalid");
  if (facts.failure == FailureReason::kTimeout && !is_own_timeout(facts)) return violation("platform_timeout_exceeded");
  const double limit = std::max(kMinProcessingLimitSeconds, kProcessingFactor * facts.media_seconds.value_or(0));
  if (exceeds(facts.processing_seconds, limit)) return violation("processing_time_exceeded");
  if (facts.end == ResultStatus::kCompleted) return {SlaVerdict::kCompliant, "completed_successfully"};
  if (facts.end == ResultStatus::kCanceled) return {SlaVerdict::kCompliant, "canceled"};
  switch (facts.failure.value_or(FailureReason::kUnknown)) {
    case FailureReason::kUserError:
    case FailureReason::kInputError:
    case FailureReason::kCapabilityMismatch:
    case FailureReason::kTimeout:
      return {SlaVerdict::kCompliant, "external_failure_platform_ok"};
    default:
      return {SlaVerdict::kUndetermined, "cause_unknown"};
  }
}

bool counts_for_sla(const JobSpec& spec, std::optional<double> media_seconds) {
  if (spec.classification) return *spec.classification == Classification::kProduction;
  if (is_trial_name(spec.scenario)) return false;
  if (media_seconds && *media_seconds < kShortSeconds) return false;
  return !(spec.queue == Queue::kBatch && spec.priority == Priority::kLow);
}

std::string sla_category(const JobSpec& spec) {
  if (!spec.classification) return spec.queue == Queue::kBatch ? "batch" : "other";
  switch (*spec.classification) {
    case Classification::kProduction:
      return "production";
    case Classification::kTest:
      return "test";
    case Classification::kBenchmark:
      return "benchmark";
    case Classification::kDebug:
      return "debug";
  }
  return "other";
}

}  // namespace ffrtmp::model
