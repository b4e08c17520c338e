#include "watch/metrics.h"

#include <array>

namespace ffrtmp::watch {
namespace {

using metrics::Counter;
using metrics::Description;
using metrics::Gauge;
using metrics::Histogram;

constexpr std::string_view kComponent = "watch";
constexpr std::size_t kMaxLabels = 3;

Description describe(std::string name, std::string help, std::vector<std::string> labels = {}) {
  labels.insert(labels.begin(), "component");
  return {"ffrtmp_" + std::move(name), std::move(help), std::move(labels)};
}

// From a single process to a few thousand; from a gate's answer to the interval of a scan.
const std::vector<double> kScanBounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5};
const std::vector<double> kLatencyBounds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                         0.1,    0.25,    0.5,    1,     2.5,    5,     10,   30};

}  // namespace

Metrics::Metrics()
    : scans_(registry_.counter(
          describe("discovery_scans_total", "Scans of all processes, periodic or after lost events.", {"result"}))),
      events_(registry_.counter(describe("discovery_events_total", "Events of the kernel.", {"type"}))),
      resyncs_(registry_.counter(describe("discovery_resyncs_total", "Full scans because events were lost."))),
      gate_late_(registry_.counter(
          describe("discovery_gate_late_total", "Executions that the gate let go before their limits were in force."))),
      attaches_(registry_.counter(describe("attach_total", "Tries to attach, by what came of them.", {"result"}))),
      limits_(registry_.counter(
          describe("limit_total", "Requested limits of attaches and changes, by what was read back from the kernel.",
                   {"limit", "status"}))),
      attach_errors_(registry_.counter(describe("attach_errors_total", "Failed tries to attach.", {"class"}))),
      retries_(registry_.counter(describe("retry_attempts_total", "Repeated tries to attach.", {"result"}))),
      reloads_(registry_.counter(describe("config_reload_total", "Reloads of the policy.", {"result"}))),
      flushes_(registry_.counter(describe("state_flush_total", "Writes of the state file.", {"result"}))),
      reassertions_(
          registry_.counter(describe("reassertions_total", "What had drifted and was written again.", {"kind"}))),
      jobs_(registry_.counter(describe(
          "governed_jobs_total",
          "Jobs of watch, and of run and attach as far as they told; failed: a signal or a code other than 0, or never governed.",
          {"state"}))),
      jobs_by_mode_(registry_.counter(
          describe("jobs_by_mode_total", "Started jobs by the command that governs them.", {"mode"}))),
      jobs_by_exit_(registry_.counter(
          describe("jobs_by_exit_total", "Ends of jobs by exit code; unknown: no event told it.", {"exit"}))),
      sla_(registry_.counter(
          describe("platform_sla_total",
                   "Ended jobs that count for the SLA: those of watch, and of run and attach with --sla-eligible.",
                   {"compliant"}))),
      found_(registry_.gauge(describe("discovery_processes_found", "Processes that are tracked after the last scan."))),
      new_(registry_.gauge(
          describe("discovery_new_attachments", "Attaches between the last two scans, by events too."))),
      active_(registry_.gauge(describe("active_attachments", "Attached processes, contested ones too.", {"command"}))),
      dead_letters_(registry_.gauge(describe("dead_letters", "Attaches that were given up, the newest 1000."))),
      health_(registry_.gauge(describe("health_state", "0 healthy, 1 degraded, 2 unhealthy."))),
      failures_(registry_.gauge(describe("health_consecutive_failures", "Failures since the last success.", {"kind"}))),
      sla_rate_(registry_.gauge(describe(
          "platform_sla_rate", "Share of the jobs in ffrtmp_platform_sla_total that are compliant, since the start."))),
      scan_seconds_(registry_.histogram(
          describe("discovery_scan_duration_seconds", "Time of a good scan with its attaches."), kScanBounds)),
      latency_(registry_.histogram(
          describe("discovery_latency_seconds",
                   "From exec (source scan: from the start of the process) to limits in force.", {"source"}),
          kLatencyBounds)) {
  // A series that is there at zero can be alerted on before its first event.
  for (const std::string_view result : {"ok", "error"}) {
    of(scans_, {result});
    of(reloads_, {result});
    of(flushes_, {result});
  }
  for (const std::string_view result : {"full", "partial", "nice_only", "observe", "failed", "gone"})
    of(attaches_, {result});
  for (const std::string_view result : {"success", "failure", "dead_letter"}) of(retries_, {result});
  exec_events_ = &of(events_, {"exec"});
  exit_events_ = &of(events_, {"exit"});
  auto tracked_family = registry_.gauge(describe("discovery_tracked_processes", "Processes that are tracked."));
  auto retry_family = registry_.gauge(describe("retry_queue_length", "Processes that wait for another try."));
  tracked_ = &of(tracked_family);
  retry_length_ = &of(retry_family);
  for (const std::string_view compliant : {"true", "false"}) of(sla_, {compliant});
  of(resyncs_);
  of(gate_late_);
  dead_letters(0);
  found(0, 0);
  health(0, 0, 0);
}

template <class Metric>
Metric& Metrics::of(metrics::FamilyOf<Metric>& family, std::initializer_list<std::string_view> labels) {
  std::array<std::string_view, kMaxLabels> all{kComponent};
  std::size_t count = 1;
  for (const std::string_view label : labels) all[count++] = label;
  if (count == 1) return family.with({all[0]});
  if (count == 2) return family.with({all[0], all[1]});
  return family.with({all[0], all[1], all[2]});
}

void Metrics::scan(bool good, double seconds) {
  of(scans_, {good ? "ok" : "error"}).add();
  if (good) of(scan_seconds_).observe(seconds);
}
void Metrics::found(double processes, double attachments) {
  of(found_).set(processes);
  of(new_).set(attachments);
}
void Metrics::tracked(double processes) { tracked_->set(processes); }
void Metrics::latency(std::string_view source, double seconds) { of(latency_, {source}).observe(seconds); }
void Metrics::exec_event() { exec_events_->add(); }
void Metrics::exit_event() { exit_events_->add(); }
void Metrics::resync() { of(resyncs_).add(); }
void Metrics::gate_late() { of(gate_late_).add(); }
void Metrics::attach(std::string_view result) { of(attaches_, {result}).add(); }
void Metrics::active(std::string_view command, double by) { of(active_, {command}).add(by); }
void Metrics::limit(std::string_view limit, std::string_view status) { of(limits_, {limit, status}).add(); }
void Metrics::attach_error(std::string_view error_class) { of(attach_errors_, {error_class}).add(); }
void Metrics::retry_queue(double length) { retry_length_->set(length); }
void Metrics::dead_letters(double letters) { of(dead_letters_).set(letters); }
void Metrics::retry(std::string_view result) { of(retries_, {result}).add(); }
void Metrics::health(int state, int scan_failures, int attach_failures) {
  of(health_).set(state);
  of(failures_, {"scan"}).set(scan_failures);
  of(failures_, {"attach"}).set(attach_failures);
}
void Metrics::reload(bool good) { of(reloads_, {good ? "ok" : "error"}).add(); }
void Metrics::flush(bool good) { of(flushes_, {good ? "ok" : "error"}).add(); }
void Metrics::reassertion(std::string_view kind) { of(reassertions_, {kind}).add(); }
void Metrics::job_started(std::string_view mode) {
  of(jobs_, {"started"}).add();
  of(jobs_by_mode_, {mode}).add();
}
void Metrics::job_ended(bool failed) { of(jobs_, {failed ? "failed" : "completed"}).add(); }
void Metrics::job_exit(std::string_view exit) { of(jobs_by_exit_, {exit}).add(); }
void Metrics::sla(bool compliant) {
  of(sla_, {compliant ? "true" : "false"}).add();
  const auto good = static_cast<double>(of(sla_, {"true"}).value());
  const auto bad = static_cast<double>(of(sla_, {"false"}).value());
  of(sla_rate_).set(good / (good + bad));
}

}  // namespace ffrtmp::watch
