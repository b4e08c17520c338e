#pragma once
// The long-running commands: up, master, worker, run, attach, and the hidden supervise. What they do is handed in, so that the
// command line knows neither master nor worker.
#include <functional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "config/launch_settings.h"
#include "config/settings.h"
#include "model/node.h"

namespace ffrtmp::cli {

// Each returns the process's exit code.
struct Roles {
  std::function<int(const config::MasterSettings&)> master;
  std::function<int(const config::WorkerSettings&)> worker;
  std::function<int(const config::UpSettings&)> up;
  // What this machine is and can encode with, as a worker finds out.
  std::function<Result<model::NodeFacts>(const config::WorkerSettings&)> detect;
  std::function<int(const std::string& dir)> supervise;
  std::function<int(const config::RunSettings&)> run;
  std::function<int(const config::AttachSettings&)> attach;
  std::vector<Command> others;  // whole commands of folders that the command line does not know
};

// The defaults of a role, as its command begins with.
[[nodiscard]] config::MasterSettings master_defaults();
[[nodiscard]] config::WorkerSettings worker_defaults();
[[nodiscard]] config::UpSettings up_defaults();

[[nodiscard]] std::vector<Command> role_commands(const Roles& roles);

}  // namespace ffrtmp::cli
