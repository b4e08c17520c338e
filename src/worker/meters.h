#pragma once
// What a worker counts and tells of itself. Any thread.
#include <chrono>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/wire.h"
#include "base/clock.h"
#include "metrics/registry.h"
#include "model/node.h"
#include "model/outcome.h"
#include "worker/load_meter.h"

namespace ffrtmp::worker {

// An attempt in which the platform did not keep its promise.
struct Violation {
  Uuid job_id;
  std::string reason;
  std::optional<double> duration_seconds;
  std::optional<int> exit_code;
};
BOOST_DESCRIBE_STRUCT(Violation, (), (job_id, reason, duration_seconds, exit_code))

class Meters {
 public:
  // `load` and what `active_jobs` uses outlive it.
  Meters(LoadMeter& load, std::function<int()> active_jobs);

  void know_node(const Uuid& node);
  void know_machine(const model::NodeFacts& facts);
  // The master has answered.
  void heard();
  // Its answer to a result was a yes.
  void ended(const api::ClaimedJob& job, const model::AttemptResult& result);

  [[nodiscard]] double uptime_seconds() const;
  // Since the last answer of the master, or the start.
  [[nodiscard]] double silence_seconds() const;
  // The last 50, newest first.
  [[nodiscard]] std::vector<Violation> violations() const;
  [[nodiscard]] std::string expose() const { return registry_.expose(); }

 private:
  void judge(const api::ClaimedJob& job, const model::AttemptResult& result);

  const BootTime started_ = BootClock::now();
  metrics::Registry registry_;
  mutable std::mutex mutex_;
  BootTime heard_ = started_;
  model::NodeFacts facts_;
  std::deque<Violation> violations_;
  metrics::Counter *heartbeats_, *completed_, *failed_, *canceled_, *canceled_graceful_, *canceled_forceful_;
  metrics::Counter *compliant_, *violating_, *input_bytes_, *output_bytes_;
  std::int64_t undetermined_ = 0;
  metrics::FamilyOf<metrics::Counter> fallbacks_;
};

}  // namespace ffrtmp::worker
