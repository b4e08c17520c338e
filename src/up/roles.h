#pragma once
// The long-running roles: each runs until SIGTERM or SIGINT and returns the process's exit code.
#include "config/settings.h"

namespace ffrtmp::up {

int run_master(const config::MasterSettings& settings);
int run_worker(const config::WorkerSettings& settings);
// Master and worker in one process.
int run_up(const config::UpSettings& settings);

}  // namespace ffrtmp::up
