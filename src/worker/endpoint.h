#pragma once
// The worker's own HTTP, for a scraper and a probe: GET /metrics /healthz /readyz /violations. It has no secrets and
// takes no orders, so it is plain HTTP without a key. A request forks nothing.
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/server.h"
#include "worker/load_meter.h"
#include "worker/meters.h"

namespace ffrtmp::worker {

struct EndpointSettings {
  std::string listen;  // address
  std::uint16_t port = 0;
  std::string ffmpeg;              // program that has to be there for the worker to be ready
  double max_silence_seconds = 0;  // of the master
};

// `load`, `meters` and what `is_draining` uses outlive it. kUnavailable naming the address when it cannot listen.
[[nodiscard]] Result<std::unique_ptr<net::Server>> start_endpoint(EndpointSettings settings, LoadMeter& load,
                                                                  Meters& meters, std::function<bool()> is_draining);

}  // namespace ffrtmp::worker
