#pragma once
// Which engine runs a job, and why. Pure.
#include "base/result.h"
#include "model/job.h"
#include "model/outcome.h"

namespace ffrtmp::engine {

struct EngineFacts {
  model::Engine asked = model::Engine::kAuto;
  model::Queue queue = model::Queue::kDefault;
  bool gstreamer_available = false;  // a short pipeline ran on this node
};

// By the first rule that matches: what the job names, then its output, then what only ffmpeg does, then its queue.
// `used` is "ffmpeg" or "gstreamer". kUnsupported: the job names an engine that is not here and allows no fallback.
[[nodiscard]] Result<model::EngineUsed> choose_engine(const EngineFacts& facts, const model::Parameters& parameters);

}  // namespace ffrtmp::engine
