#include "govern/policy.h"

#include <algorithm>

namespace ffrtmp::govern {
namespace {

std::string place_in(const Provenance& places, const std::string& key) {
  const auto at = places.find(key);
  return at == places.end() ? "default" : at->second;
}

}  // namespace

std::string Rule::place_of(const std::string& key) const { return place_in(places, key); }
std::string Policy::place_of(const std::string& key) const { return place_in(places, key); }

const Rule& Policy::rule_for(const std::string& command) const {
  const auto at = commands.find(command);
  return at == commands.end() ? defaults : at->second;
}

std::optional<std::string> match_target(const CommandNames& names, const Policy& policy) {
  const auto is_target = [&](const std::optional<std::string>& name, MatchMode other) {
    return name &&
           std::find(policy.target_commands.begin(), policy.target_commands.end(), *name) !=
               policy.target_commands.end() &&
           policy.rule_for(*name).match != other;
  };
  if (is_target(names.exe, MatchMode::kArgv0)) return names.exe;
  if (is_target(names.argv0, MatchMode::kExe)) return names.argv0;
  return std::nullopt;
}

}  // namespace ffrtmp::govern
