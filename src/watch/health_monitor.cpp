#include "watch/health_monitor.h"

#include "base/log.h"
#include "base/text.h"

namespace ffrtmp::watch {

HealthMonitor::HealthMonitor(const Clock& clock, Metrics& metrics, const govern::HealthSettings& settings)
    : clock_(clock), metrics_(metrics), settings_(settings) {
  const Now now = clock.now();
  reading_.facts.last_good_scan = now.boot;
  reading_.since = now.utc;
}

void HealthMonitor::use(const govern::HealthSettings& settings) {
  const std::lock_guard lock(mutex_);
  settings_ = settings;
  judge();
}

void HealthMonitor::record_scan(bool good) {
  const std::lock_guard lock(mutex_);
  if (good) {
    reading_.facts.scan_failures = 0;
    reading_.facts.last_good_scan = clock_.now().boot;
    reading_.had_scan = true;
  } else {
    ++reading_.facts.scan_failures;
  }
  judge();
}

void HealthMonitor::record_attach(bool good) {
  const std::lock_guard lock(mutex_);
  if (good)
    reading_.facts.attach_failures = 0;
  else
    ++reading_.facts.attach_failures;
  judge();
}

void HealthMonitor::tick() {
  const std::lock_guard lock(mutex_);
  judge();
}

HealthMonitor::Reading HealthMonitor::read() const {
  const std::lock_guard lock(mutex_);
  return reading_;
}

void HealthMonitor::judge() {
  const Now now = clock_.now();
  const auto state = govern::decide_health(reading_.facts, settings_, now.boot);
  metrics_.health(static_cast<int>(state), reading_.facts.scan_failures, reading_.facts.attach_failures);
  if (state == reading_.state) return;
  reading_.state = state;
  reading_.since = now.utc;
  log::write(state == govern::HealthState::kHealthy ? log::Level::kInfo : log::Level::kWarn,
             cat("Health status: ", govern::name_of(state), " (scan failures: ", reading_.facts.scan_failures,
                 ", attach failures: ", reading_.facts.attach_failures, ")"),
             {});
}

}  // namespace ffrtmp::watch
