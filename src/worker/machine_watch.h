#pragma once
// Notices that the machine offers something else than it registered: a new ffmpeg, driver or device.
#include <chrono>
#include <functional>
#include <future>
#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "model/node.h"

namespace ffrtmp::worker {

class MachineWatch {
 public:
  // `detect` may take seconds; it runs on a thread of its own and has to outlive this object.
  MachineWatch(std::function<Result<model::NodeFacts>()> detect, std::chrono::milliseconds every, BootTime now)
      : detect_(std::move(detect)), every_(every), next_(now + every) {}

  // The facts of a look that ended since the last call, when they differ from `known`. Starts the next look when it is
  // due and waits for none. A failed look is logged and counts as no change.
  [[nodiscard]] std::optional<model::NodeFacts> poll(const model::NodeFacts& known, BootTime now);

 private:
  std::function<Result<model::NodeFacts>()> detect_;
  std::chrono::milliseconds every_;
  BootTime next_;
  std::future<Result<model::NodeFacts>> look_;
};

}  // namespace ffrtmp::worker
