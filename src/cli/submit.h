#pragma once
// `ffrtmp jobs submit`.
#include "cli/command.h"

namespace ffrtmp::cli {

[[nodiscard]] Command submit_command();

}  // namespace ffrtmp::cli
