#include "worker/metrics.h"

namespace ffrtmp::worker {
namespace {

// Up to the longest a generation may take; from a second of a small picture to minutes of a large one.
const std::vector<double> kGenerationBounds{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200};
const std::vector<double> kByteBounds{1e5, 1e6, 5e6, 1e7, 5e7, 1e8, 5e8, 1e9, 5e9};

metrics::Description describe(std::string name, std::string help) {
  return {"ffrtmp_worker_" + std::move(name), std::move(help), {"node_id"}};
}

}  // namespace

Metrics::Metrics()
    : inputs_generated_(registry_.counter(describe("total_inputs_generated", "Inputs made for jobs that name none."))),
      generation_seconds_(registry_.histogram(
          describe("input_generation_duration_seconds", "From the first try to a whole generated input."),
          kGenerationBounds)),
      input_bytes_(registry_.histogram(describe("input_file_size_bytes", "Sizes of generated inputs."), kByteBounds)) {}

void Metrics::set_node(const Uuid& id) {
  const std::lock_guard lock(mutex_);
  node_id_ = id.str();
  // A series that is there at zero can be alerted on before its first event.
  (void)inputs_generated_.with({node_id_});
  (void)generation_seconds_.with({node_id_});
  (void)input_bytes_.with({node_id_});
}

void Metrics::input_generated(double seconds, double bytes) {
  const std::lock_guard lock(mutex_);
  inputs_generated_.with({node_id_}).add();
  generation_seconds_.with({node_id_}).observe(seconds);
  input_bytes_.with({node_id_}).observe(bytes);
}

}  // namespace ffrtmp::worker
