// The process: arguments in, exit code out. Commands stand in cli/main.cpp.
#include <exception>
#include <string>
#include <vector>

#include "base/log.h"
#include "cli/main.h"
#include "launch/attach.h"
#include "launch/run.h"
#include "supervisor/link.h"
#include "up/roles.h"
#include "up/watch_commands.h"

int main(int argc, char** argv) {
  try {
    ffrtmp::cli::Roles roles;
    roles.master = ffrtmp::up::run_master;
    roles.worker = ffrtmp::up::run_worker;
    roles.up = ffrtmp::up::run_up;
    roles.detect = ffrtmp::up::detect_machine;
    roles.run = ffrtmp::launch::run;
    roles.attach = ffrtmp::launch::attach;
    roles.others = ffrtmp::up::watch_commands();
    roles.supervise = ffrtmp::supervisor::supervise_main;
    return ffrtmp::cli::run(roles, std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& error) {
    ffrtmp::log::error("unexpected failure", {{"err", error.what()}});
    return 1;
  }
}
