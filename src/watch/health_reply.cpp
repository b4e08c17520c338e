#include "watch/health_reply.h"

#include "base/version.h"

namespace ffrtmp::watch {
namespace {

using govern::Governance;
using govern::HealthState;
using model::CheckBody;

CheckBody degraded(const char* reason) { return {"degraded", reason}; }
CheckBody failed(const char* reason) { return {"failed", reason}; }

CheckBody scan_check(const DaemonFacts& facts) {
  const auto& [state, counts, since, had_scan] = facts.reading;
  CheckBody check;
  if (state == HealthState::kUnhealthy)
    check = failed(counts.scan_failures > 0 ? "scans_fail" : "scan_too_old");
  else if (state == HealthState::kDegraded && counts.scan_failures > 0)
    check = degraded("scans_fail");
  check.age_seconds = std::chrono::duration<double>(facts.now - counts.last_good_scan).count();
  return check;
}

CheckBody attach_check(const HealthMonitor::Reading& reading) {
  const bool matters = reading.state == HealthState::kDegraded && reading.facts.attach_failures > 0;
  return matters ? degraded("attaches_fail") : CheckBody{};
}

CheckBody service_check(const DaemonFacts& facts) {
  if (facts.is_stopping) return failed("stopping");
  return facts.has_started && facts.reading.had_scan ? CheckBody{} : failed("starting");
}

CheckBody limits_check(Governance best) {
  switch (best) {
    case Governance::kFull:
      return {};
    case Governance::kPartial:
      return degraded("some_limits_cannot_be_set");
    case Governance::kNiceOnly:
      return degraded("nice_only");
    case Governance::kObserve:
      return degraded("observe_only");
  }
  return {};
}

}  // namespace

model::HealthReply liveness(const DaemonFacts& facts) {
  model::HealthReply reply;
  reply.role = "watch";
  reply.version = std::string(version());
  reply.uptime_seconds = facts.uptime_seconds;
  reply.add("scan", scan_check(facts));
  reply.add("attach", attach_check(facts.reading));
  return reply;
}

model::HealthReply readiness(const DaemonFacts& facts) {
  model::HealthReply reply = liveness(facts);
  reply.add("service", service_check(facts));
  reply.add("events", facts.events == "unavailable" ? degraded("process_events_unavailable") : CheckBody{});
  reply.add("limits", limits_check(facts.best));
  return reply;
}

}  // namespace ffrtmp::watch
