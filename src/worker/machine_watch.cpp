#include "worker/machine_watch.h"

#include <utility>

#include "base/log.h"
#include "json/json.h"

namespace ffrtmp::worker {

std::optional<Machine> MachineWatch::poll(const Machine& known, BootTime now) {
  using namespace std::chrono_literals;
  if (!look_.valid()) {
    if (now < next_ && !is_doubtful_) return std::nullopt;
    const bool doubts = std::exchange(is_doubtful_, false);
    look_ = std::async(std::launch::async, detect_, doubts ? media::Trust::kSoftwareOnly : media::Trust::kAll);
    return std::nullopt;
  }
  if (look_.wait_for(0s) != std::future_status::ready) return std::nullopt;
  auto found = look_.get();
  next_ = now + every_;
  if (!found) {
    log::warn("cannot tell what this machine can do", {{"err", found.error().message}});
    return std::nullopt;
  }
  if (json::encode(*found) == json::encode(known)) return std::nullopt;
  return std::move(*found);
}

}  // namespace ffrtmp::worker
