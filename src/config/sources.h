#pragma once
// Where the values of a table come from: flag > environment > configuration file > default.
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/table.h"

namespace ffrtmp::config {

// Values of the command line by setting name, in order; a switch without value has "true".
using Flags = std::map<std::string, std::vector<std::string>>;

struct Sources {
  Flags flags;
  std::function<std::optional<std::string>(const std::string&)> environment;  // as getenv
  std::string config_file;  // YAML whose keys are flag names; empty: none
};

// Sets everything the sources say. One Error a fault, each naming the setting and its source: "--port", the variable,
// or file:line:column. An unknown key of the file is one too.
[[nodiscard]] std::vector<Error> load(const Table& table, const Sources& sources);

// What a setting comes to, and why.
struct Effective {
  const Setting* setting = nullptr;  // of the table
  std::vector<std::string> values;   // none: not set
  std::string source;                // "--port", the variable, "file:line:column", or "default"
};
// Of every setting, in the table's order. An error when the file cannot be read; what load() says is wrong is not
// looked for.
[[nodiscard]] Result<std::vector<Effective>> find_effective(const Table& table, const Sources& sources);

// getenv; an empty variable counts as absent.
[[nodiscard]] std::optional<std::string> process_environment(const std::string& name);

}  // namespace ffrtmp::config
