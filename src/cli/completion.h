#pragma once
// Scripts that complete commands and flags in a shell, made of the same table as --help.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/command.h"

namespace ffrtmp::cli {

// `shell`: bash, zsh or fish; kInvalid for another. What is hidden is not completed.
[[nodiscard]] Result<std::string> completion_script(std::string_view shell, const std::vector<Command>& commands,
                                                    const std::vector<FlagSpec>& globals);

}  // namespace ffrtmp::cli
