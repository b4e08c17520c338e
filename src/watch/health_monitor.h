#pragma once
// The daemon's health, kept apart from its loop: a loop that hangs is what it has to notice. Any thread.
#include <mutex>

#include "govern/health.h"
#include "watch/metrics.h"

namespace ffrtmp::watch {

class HealthMonitor {
 public:
  // `clock` and `metrics` outlive it.
  HealthMonitor(const Clock& clock, Metrics& metrics, const govern::HealthSettings& settings);

  void use(const govern::HealthSettings& settings);
  void record_scan(bool good);
  void record_attach(bool good);
  // Once a second, for the age of the last good scan.
  void tick();

  struct Reading {
    govern::HealthState state = govern::HealthState::kHealthy;
    govern::HealthFacts facts;
    UtcTime since{};  // of this state
    bool had_scan = false;
  };
  [[nodiscard]] Reading read() const;

 private:
  void judge();  // with the mutex held

  const Clock& clock_;
  Metrics& metrics_;
  mutable std::mutex mutex_;  // guards what follows
  govern::HealthSettings settings_;
  Reading reading_;
};

}  // namespace ffrtmp::watch
