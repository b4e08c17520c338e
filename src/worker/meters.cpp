#include "worker/meters.h"

#include <algorithm>

#include "model/sla.h"

namespace ffrtmp::worker {
namespace {

using metrics::Registry;
using metrics::Sink;
using metrics::Type;

constexpr std::size_t kViolationsKept = 50;

// Up to the longest a generation may take; from a second of a small picture to minutes of a large one.
const std::vector<double> kGenerationSeconds{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200};
const std::vector<double> kGeneratedBytes{1e5, 1e6, 5e6, 1e7, 5e7, 1e8, 5e8, 1e9, 5e9};

metrics::Counter* counter(Registry& registry, const char* name, const char* help) {
  return &registry.counter({name, help, {}}).only();
}

bool is_usable(const model::NodeFacts& facts, std::string_view acceleration) {
  return std::find(facts.hwaccels.begin(), facts.hwaccels.end(), acceleration) != facts.hwaccels.end();
}

}  // namespace

Meters::Meters(LoadMeter& load, std::function<int()> active_jobs)
    : heartbeats_(counter(registry_, "ffrtmp_worker_heartbeats_total", "Contacts that the master acknowledged.")),
      completed_(counter(registry_, "ffrtmp_worker_jobs_completed_total", "Attempts with a proven output.")),
      failed_(counter(registry_, "ffrtmp_worker_jobs_failed_total", "Attempts that failed or timed out.")),
      canceled_(counter(registry_, "ffrtmp_worker_jobs_canceled_total", "Attempts that were canceled.")),
      canceled_graceful_(
          counter(registry_, "ffrtmp_worker_jobs_canceled_graceful_total", "Of them: ended within the grace.")),
      canceled_forceful_(counter(registry_, "ffrtmp_worker_jobs_canceled_forceful_total", "Of them: killed.")),
      compliant_(counter(registry_, "ffrtmp_worker_jobs_sla_compliant_total",
                         "Attempts in which the platform kept its promise.")),
      violating_(counter(registry_, "ffrtmp_worker_jobs_sla_violation_total",
                         "Attempts in which it did not; see /violations.")),
      input_bytes_(counter(registry_, "ffrtmp_job_input_bytes_total", "Bytes of the inputs of ended attempts.")),
      output_bytes_(counter(registry_, "ffrtmp_job_output_bytes_total", "Bytes of published outputs.")),
      inputs_generated_(counter(registry_, "ffrtmp_worker_inputs_generated_total", "Inputs made for jobs that name none.")),
      generation_seconds_(&registry_
                               .histogram({"ffrtmp_worker_input_generation_duration_seconds",
                                           "From the first try to a whole generated input.", {}},
                                          kGenerationSeconds)
                               .only()),
      generated_bytes_(&registry_
                            .histogram({"ffrtmp_worker_input_file_size_bytes", "Sizes of generated inputs.", {}},
                                       kGeneratedBytes)
                            .only()),
      fallbacks_(registry_.counter(
          {"ffrtmp_worker_encoder_fallback_total", "Attempts that went on with another encoder.", {"from", "to"}})) {
  registry_.label_all("component", "worker");
  // The inherited name, which no counter may have.
  registry_.collect(Type::kGauge, {"ffrtmp_worker_total_inputs_generated", "The same as ffrtmp_worker_inputs_generated_total.", {}},
                    [this](Sink& sink) { sink.sample({}, static_cast<double>(inputs_generated_->value())); });
  const auto gauge = [&](const char* name, const char* help, std::function<std::optional<double>()> read) {
    registry_.collect(Type::kGauge, {name, help, {}}, [read = std::move(read)](Sink& sink) {
      if (const auto value = read()) sink.sample({}, *value);
    });
  };
  const auto fact = [&](const char* name, const char* help, bool (*read)(const model::NodeFacts&)) {
    gauge(name, help, [this, read] {
      const std::lock_guard lock(mutex_);
      return read(facts_) ? 1.0 : 0.0;
    });
  };
  gauge("ffrtmp_worker_cpu_usage", "Percent of the machine's CPUs in use, 0-100.",
        [&load] { return load.cpu_percent(); });
  gauge("ffrtmp_worker_memory_bytes", "RAM of the machine in use.", [&load]() -> std::optional<double> {
    if (const auto bytes = load.used_memory_bytes()) return static_cast<double>(*bytes);
    return std::nullopt;
  });
  gauge("ffrtmp_worker_active_jobs", "Attempts that run now.", [active_jobs] { return active_jobs(); });
  gauge("ffrtmp_worker_uptime_seconds", "Since the worker's start.", [this] { return uptime_seconds(); });
  gauge("ffrtmp_worker_sla_compliance_rate", "Compliant among all judged attempts, 0-1; absent before the first.",
        [this]() -> std::optional<double> {
          const std::lock_guard lock(mutex_);
          const auto good = static_cast<double>(compliant_->value());
          const double all = good + static_cast<double>(violating_->value()) + static_cast<double>(undetermined_);
          return all > 0 ? std::optional(good / all) : std::nullopt;
        });
  fact("ffrtmp_worker_has_gpu", "1 when the machine has a GPU.",
       [](const model::NodeFacts& f) { return !f.gpus.empty(); });
  fact("ffrtmp_worker_nvenc_available", "1 when an NVENC encoder was proven.",
       [](const model::NodeFacts& f) { return is_usable(f, "cuda"); });
  fact("ffrtmp_worker_qsv_available", "1 when a Quick Sync encoder was proven.",
       [](const model::NodeFacts& f) { return is_usable(f, "qsv"); });
  fact("ffrtmp_worker_vaapi_available", "1 when a VA-API encoder was proven.",
       [](const model::NodeFacts& f) { return is_usable(f, "vaapi"); });
  registry_.collect(Type::kGauge,
                    {"ffrtmp_worker_encoder_usable", "1 when the encoder worked on trial.", {"encoder", "device"}},
                    [this](Sink& sink) {
                      const std::lock_guard lock(mutex_);
                      for (const model::Encoder& one : facts_.encoders)
                        sink.sample({one.name, one.device.value_or("")}, one.usable ? 1 : 0);
                    });
}

void Meters::know_node(const Uuid& node) { registry_.label_all("node_id", node.str()); }

void Meters::know_machine(const model::NodeFacts& facts) {
  const std::lock_guard lock(mutex_);
  facts_ = facts;
}

void Meters::heard() {
  heartbeats_->add();
  const std::lock_guard lock(mutex_);
  heard_ = BootClock::now();
}

void Meters::generated(double seconds, std::int64_t bytes) {
  inputs_generated_->add();
  generation_seconds_->observe(seconds);
  generated_bytes_->observe(static_cast<double>(bytes));
}

void Meters::ended(const api::ClaimedJob& job, const model::AttemptResult& result) {
  switch (result.status) {
    case model::ResultStatus::kCompleted:
      completed_->add();
      if (result.output && result.output->size_bytes)
        output_bytes_->add(static_cast<std::uint64_t>(*result.output->size_bytes));
      break;
    case model::ResultStatus::kCanceled:
      canceled_->add();
      (result.graceful.value_or(true) ? canceled_graceful_ : canceled_forceful_)->add();
      break;
    case model::ResultStatus::kFailed:
    case model::ResultStatus::kTimedOut:
      failed_->add();
      break;
  }
  if (result.input && result.input->size_bytes)
    input_bytes_->add(static_cast<std::uint64_t>(*result.input->size_bytes));
  if (result.encoder && result.encoder->fallback)
    fallbacks_.with({result.encoder->requested, result.encoder->used}).add();
  judge(job, result);
}

// By what a worker can know: how long the job waited, the master judges.
void Meters::judge(const api::ClaimedJob& job, const model::AttemptResult& result) {
  model::SlaFacts facts;
  facts.end = result.status;
  facts.failure = result.failure_reason;
  facts.timeout_cause = result.timeout_cause;
  if (result.stats) facts.processing_seconds = result.stats->run_seconds;
  if (result.output) facts.media_seconds = result.output->duration_seconds;
  const model::SlaJudgement judgement = model::judge_sla(facts);
  const std::lock_guard lock(mutex_);
  switch (judgement.verdict) {
    case model::SlaVerdict::kCompliant:
      compliant_->add();
      break;
    case model::SlaVerdict::kUndetermined:
      ++undetermined_;
      break;
    case model::SlaVerdict::kViolation:
      violating_->add();
      violations_.push_front({job.id, judgement.reason, facts.processing_seconds, result.exit_code});
      if (violations_.size() > kViolationsKept) violations_.pop_back();
      break;
  }
}

double Meters::uptime_seconds() const { return std::chrono::duration<double>(BootClock::now() - started_).count(); }

double Meters::silence_seconds() const {
  const std::lock_guard lock(mutex_);
  return std::chrono::duration<double>(BootClock::now() - heard_).count();
}

std::vector<Violation> Meters::violations() const {
  const std::lock_guard lock(mutex_);
  return {violations_.begin(), violations_.end()};
}

}  // namespace ffrtmp::worker
