#pragma once
// Notices that the machine offers something else than it registered: a new ffmpeg, GStreamer, driver or device.
#include <chrono>
#include <functional>
#include <future>
#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "worker/machine.h"

namespace ffrtmp::worker {

class MachineWatch {
 public:
  // `detect` may take seconds; it runs on a thread of its own and has to outlive this object. What it calls has to be
  // told what to trust of an earlier look.
  MachineWatch(std::function<Result<Machine>(media::Trust)> detect, std::chrono::milliseconds every, BootTime now)
      : detect_(std::move(detect)), every_(every), next_(now + every) {}

  // The next look is due, and tries the hardware anew.
  void doubt_hardware() { is_doubtful_ = true; }

  // What a look found that ended since the last call, when they differ from `known`. Starts the next look when it is
  // due and waits for none. A failed look is logged and counts as no change.
  [[nodiscard]] std::optional<Machine> poll(const Machine& known, BootTime now);

 private:
  std::function<Result<Machine>(media::Trust)> detect_;
  std::chrono::milliseconds every_;
  BootTime next_;
  bool is_doubtful_ = false;
  std::future<Result<Machine>> look_;
};

}  // namespace ffrtmp::worker
