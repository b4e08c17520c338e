#pragma once
// `ffrtmp jobs …`.
#include <vector>

#include "cli/command.h"

namespace ffrtmp::cli {

[[nodiscard]] std::vector<Command> jobs_commands();

}  // namespace ffrtmp::cli
