#include "config/sources.h"

#include <cstdlib>

#include "base/text.h"
#include "config/file.h"

namespace ffrtmp::config {
namespace {

struct Found {
  std::vector<std::string> values;
  std::string source;  // "--port", the variable, "file:line:column"
  bool in_file = false;
};

std::optional<Found> find_value(const Setting& setting, const Sources& sources, const File& file) {
  if (const auto at = sources.flags.find(setting.name); at != sources.flags.end() && !at->second.empty())
    return Found{at->second, "--" + setting.name, false};
  for (const std::string& variable : setting.variables)
    if (const auto value = sources.environment(variable)) return Found{{*value}, variable, false};
  if (const auto at = file.find(setting.name); at != file.end())
    return Found{at->second.values, at->second.place, true};
  return std::nullopt;
}

Status set(const Setting& setting, const Found& found) {
  if (setting.kind != Kind::kList && found.values.size() != 1)
    return make_error(Errc::kInvalid, "is given more than once");
  if (setting.clear) setting.clear();
  for (const std::string& value : found.values) FFRTMP_TRY(setting.set(value));
  return {};
}

// For messages. A flag and a variable name their setting, a line of a file does not.
std::string place_of(const Setting& setting, const Found& found) {
  return found.in_file ? cat(found.source, ": ", setting.name) : found.source;
}

Error unknown_key(const Table& table, const std::string& key, const FileValue& value) {
  Suggestion suggestion(key);
  for (const Setting& setting : table.settings()) suggestion.consider(setting.name);
  return make_error(Errc::kInvalid, cat(value.place, ": unknown setting \"", escape(key), "\"", suggestion.text()));
}

}  // namespace

std::vector<Error> load(const Table& table, const Sources& sources) {
  std::vector<Error> errors;
  File file;
  if (!sources.config_file.empty()) {
    auto read = read_file(sources.config_file);
    if (!read) return {std::move(read).error()};
    file = std::move(*read);
  }
  for (const auto& [key, value] : file)
    if (table.find(key) == nullptr) errors.push_back(unknown_key(table, key, value));
  for (const Setting& setting : table.settings()) {
    const auto found = find_value(setting, sources, file);
    if (!found) continue;
    if (auto status = set(setting, *found); !status)
      errors.push_back(std::move(status.error()).within(place_of(setting, *found)));
  }
  for (Error& error : errors) error.code = Errc::kInvalid;
  return errors;
}

Result<std::vector<Effective>> find_effective(const Table& table, const Sources& sources) {
  File file;
  if (!sources.config_file.empty()) {
    FFRTMP_ASSIGN(file, read_file(sources.config_file));
  }
  std::vector<Effective> out;
  for (const Setting& setting : table.settings()) {
    Effective& one = out.emplace_back(Effective{&setting, {}, "default"});
    if (auto found = find_value(setting, sources, file)) {
      one.values = std::move(found->values);
      one.source = std::move(found->source);
    } else if (!setting.shown_default.empty()) {
      one.values = {setting.shown_default};
    }
  }
  return out;
}

std::optional<std::string> process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

}  // namespace ffrtmp::config
