#pragma once
// `watch`, `watch status` and `explain` as commands: their flags come from the policy's keys.
#include <vector>

#include "cli/command.h"

namespace ffrtmp::up {

[[nodiscard]] std::vector<cli::Command> watch_commands();

}  // namespace ffrtmp::up
