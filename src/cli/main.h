#pragma once
// The command line: every command in one table, read, checked and run.
#include "cli/roles.h"

namespace ffrtmp::cli {

// The process's exit code: 0 done, 1 failed, 2 usage, 3 not found, 4 --wait and the job did not complete.
[[nodiscard]] int run(const Roles& roles, const std::vector<std::string>& arguments);

}  // namespace ffrtmp::cli
