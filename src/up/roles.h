#pragma once
// The long-running roles: each runs until SIGTERM or SIGINT and returns the process's exit code.
#include "base/result.h"
#include "config/settings.h"
#include "model/node.h"

namespace ffrtmp::up {

int run_master(const config::MasterSettings& settings);
int run_worker(const config::WorkerSettings& settings);
// Master and worker in one process.
int run_up(const config::UpSettings& settings);

// What a worker with these settings would register. kGone without ffmpeg.
[[nodiscard]] Result<model::NodeFacts> detect_machine(const config::WorkerSettings& settings);

}  // namespace ffrtmp::up
