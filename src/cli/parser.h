#pragma once
// The command line's text into an Invocation. The only place that knows CLI11.
#include <string>
#include <vector>

#include "cli/command.h"

namespace ffrtmp::cli {

struct Parsed {
  const Command* command = nullptr;  // absent: `text` is all there is to say
  Invocation invocation;
  std::string text;                 // help, for stdout
  std::vector<std::string> errors;  // one line each, for stderr; exit 2
};

// `-name` is `--name`; global flags may stand before or after the sub-command; `--` ends flags.
[[nodiscard]] Parsed parse(const std::vector<Command>& commands, const std::vector<FlagSpec>& globals,
                           const std::vector<std::string>& arguments);

}  // namespace ffrtmp::cli
