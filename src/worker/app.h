#pragma once
// The worker as a running thing: identity, what the box can do, the attempts it runs.
#include <chrono>
#include <memory>
#include <optional>

#include "base/result.h"
#include "worker/settings.h"

namespace ffrtmp::worker {

class App {
 public:
  // Registers (waiting for a master that is not there yet) on a thread of its own. kUnavailable: the state directory is
  // held by another worker.
  [[nodiscard]] static Result<std::unique_ptr<App>> start(Settings settings);
  virtual ~App() = default;  // as stop()
  // No more claims; waits for running jobs up to the drain timeout, then gives them back. `now` skips the wait.
  virtual void stop(bool now) = 0;
  // The same without waiting for it; hastens a stop() in progress. Any thread.
  virtual void ask_to_stop(bool now) = 0;
  // Why it ended by itself (superseded, refused); nothing while it runs. Waits up to `patience`.
  [[nodiscard]] virtual std::optional<Error> ended(std::chrono::milliseconds patience) = 0;
};

}  // namespace ffrtmp::worker
