#pragma once
// A worker's metrics. Any thread.
#include <mutex>
#include <string>

#include "base/ids.h"
#include "metrics/registry.h"

namespace ffrtmp::worker {

class Metrics {
 public:
  Metrics();
  // Until the node is known there is nothing to label a sample with, and none is shown.
  void set_node(const Uuid& id);
  void input_generated(double seconds, double bytes);
  [[nodiscard]] std::string expose() const { return registry_.expose(); }

 private:
  metrics::Registry registry_;
  metrics::FamilyOf<metrics::Counter> inputs_generated_;
  metrics::FamilyOf<metrics::Histogram> generation_seconds_, input_bytes_;
  std::mutex mutex_;
  std::string node_id_;
};

}  // namespace ffrtmp::worker
