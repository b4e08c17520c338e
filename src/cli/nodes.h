#pragma once
// `ffrtmp nodes …`.
#include <vector>

#include "cli/command.h"

namespace ffrtmp::cli {

[[nodiscard]] std::vector<Command> nodes_commands();

}  // namespace ffrtmp::cli
