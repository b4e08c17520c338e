#pragma once
// Where a worker's metrics are read: /metrics, and /healthz for who asks whether the process lives. No secrets, no TLS.
#include <memory>
#include <string>

#include "net/server.h"
#include "worker/metrics.h"
#include "worker/settings.h"

namespace ffrtmp::worker {

// The address to listen on: as told, else that of this host alone when the master is on it. Pure.
[[nodiscard]] std::string metrics_address(const Settings& settings);

// `metrics` has to outlive it. kUnavailable when the port is taken.
[[nodiscard]] Result<std::unique_ptr<net::Server>> start_metrics_server(const Settings& settings,
                                                                        const Metrics& metrics);

}  // namespace ffrtmp::worker
