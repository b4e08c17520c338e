#pragma once
// The daemon's health as /healthz and /readyz tell it. Pure.
#include <string>

#include "govern/limits.h"
#include "model/health_reply.h"
#include "watch/health_monitor.h"

namespace ffrtmp::watch {

struct DaemonFacts {
  HealthMonitor::Reading reading;
  BootTime now{};
  double uptime_seconds = 0;
  bool has_started = false;
  bool is_stopping = false;
  std::string events = "off";                           // or "on", "unavailable"
  govern::Governance best = govern::Governance::kFull;  // that can be reached on this host
};

// Alive: failed when the scans have failed for too long. Checks: scan, attach.
[[nodiscard]] model::HealthReply liveness(const DaemonFacts& facts);
// Ready: from the first scan to the stop. Checks also: service, events, limits; the last two are degraded where the
// daemon is not allowed what it would need.
[[nodiscard]] model::HealthReply readiness(const DaemonFacts& facts);

}  // namespace ffrtmp::watch
