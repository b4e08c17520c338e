#include "cli/config_text.h"

#include <algorithm>

#include "base/text.h"
#include "cli/shell_text.h"
#include "cli/table_text.h"
#include "config/settings.h"
#include "json/json.h"

namespace ffrtmp::cli {
namespace {

std::string machine_line(const Recommendation& r) {
  return cat(config::name_of(r.environment), ", ", json::enum_name(r.machine.type), ", ", r.machine.cpu_threads,
             " threads, ", format_bytes(r.machine.ram_total_bytes));
}

// Plain where it needs no quotes: what reads it takes every scalar as text.
std::string yaml_scalar(std::string_view text) {
  const bool is_plain =
      !text.empty() && text.front() != '-' && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '/' || c == '-';
      });
  return is_plain ? std::string(text) : cat("\"", escape(text), "\"");
}

std::string yaml_value(const config::Effective& one) {
  if (one.setting->kind != config::Kind::kList) return yaml_scalar(one.values.front());
  std::vector<std::string> items;
  for (const std::string& value : one.values) items.push_back(yaml_scalar(value));
  return cat("[", join(items, ", "), "]");
}

json::RawJson json_value(const std::string& text) {
  if (const auto number = parse_int(text)) return {cat(*number)};
  json::RawJson raw;
  json::append_string(raw.text, text);
  return raw;
}

struct RecommendationBody {
  std::string environment;
  model::NodeType type = model::NodeType::kDesktop;
  int cpu_threads = 0;
  std::int64_t ram_total_bytes = 0;
  std::map<std::string, json::RawJson> settings;
  std::map<std::string, std::string> reasons;
};
BOOST_DESCRIBE_STRUCT(RecommendationBody, (), (environment, type, cpu_threads, ram_total_bytes, settings, reasons))

struct EffectiveBody {
  std::string name;
  std::vector<std::string> values;
  std::string source;
};
BOOST_DESCRIBE_STRUCT(EffectiveBody, (), (name, values, source))

}  // namespace

std::string recommendation_text(const Recommendation& r) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : r.settings) rows.push_back({one.name, one.value, one.reason});
  return cat(format_pairs({{"For", machine_line(r)}}), "\n", format_table({"Setting", "Value", "Why"}, rows));
}

std::string recommendation_json(const Recommendation& r) {
  RecommendationBody body{std::string(config::name_of(r.environment)),
                          r.machine.type,
                          r.machine.cpu_threads,
                          r.machine.ram_total_bytes,
                          {},
                          {}};
  for (const auto& one : r.settings) {
    body.settings[one.name] = json_value(one.value);
    body.reasons[one.name] = one.reason;
  }
  return json::encode(body) + "\n";
}

std::string recommendation_yaml(const Recommendation& r) {
  std::string text = cat("# For ffrtmp worker --config: ", machine_line(r), "\n");
  for (const auto& one : r.settings) text += cat(one.name, ": ", yaml_scalar(one.value), "  # ", one.reason, "\n");
  return text;
}

std::string recommendation_bash(const Recommendation& r) {
  config::WorkerSettings defaults;
  const config::Table table = config::worker_table(defaults);
  std::string text = cat("# For the shell that starts ffrtmp worker: ", machine_line(r), "\n");
  for (const auto& one : r.settings)
    if (const config::Setting* setting = table.find(one.name))
      text += cat("export ", setting->variables.front(), "=", shell_word(one.value), "  # ", one.reason, "\n");
  return text;
}

std::string settings_yaml(const std::vector<config::Effective>& settings) {
  std::string text;
  for (const config::Effective& one : settings) {
    const bool is_hidden = one.setting->is_secret && !one.values.empty();
    if (one.values.empty() || is_hidden)
      text += cat("# ", one.setting->name, is_hidden ? ": is set, not shown" : ":");
    else
      text += cat(one.setting->name, ": ", yaml_value(one));
    text += cat("  # ", escape(one.source), "\n");
  }
  return text;
}

std::string settings_json(const std::vector<config::Effective>& settings) {
  std::vector<EffectiveBody> body;
  for (const config::Effective& one : settings) {
    body.push_back({one.setting->name, one.values, one.source});
    if (one.setting->is_secret && !one.values.empty()) body.back().values = {"***"};
  }
  return json::encode(body) + "\n";
}

}  // namespace ffrtmp::cli
