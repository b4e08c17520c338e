#include "cli/command.h"

namespace ffrtmp::cli {

std::string Invocation::value(const std::string& flag) const {
  const auto at = flags.find(flag);
  return at == flags.end() || at->second.empty() ? std::string() : at->second.back();
}

std::vector<std::string> Invocation::values(const std::string& flag) const {
  const auto at = flags.find(flag);
  return at == flags.end() ? std::vector<std::string>() : at->second;
}

std::vector<FlagSpec> flags_of(const config::Table& table) {
  std::vector<FlagSpec> flags;
  for (const config::Setting& setting : table.settings()) {
    std::string help = setting.help;
    // The first variable follows from the flag's name; the names of old have to be told.
    for (std::size_t i = 1; i < setting.variables.size(); ++i)
      help += (i == 1 ? " (also " : ", ") + setting.variables[i];
    if (setting.variables.size() > 1) help += ")";
    flags.push_back({setting.name, setting.kind, std::move(help), setting.shown_default});
  }
  return flags;
}

}  // namespace ffrtmp::cli
