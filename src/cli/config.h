#pragma once
// `ffrtmp config …`: settings that fit this machine, and the settings that hold.
#include <vector>

#include "cli/roles.h"

namespace ffrtmp::cli {

[[nodiscard]] std::vector<Command> config_commands(const Roles& roles);

}  // namespace ffrtmp::cli
