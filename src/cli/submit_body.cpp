#include "cli/submit_body.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "api/yaml_body.h"
#include "base/text.h"
#include "json/json.h"

namespace ffrtmp::cli {
namespace {

using Object = std::map<std::string, json::RawJson>;

struct Field {
  const char* flag;
  const char* group;  // of the body; empty: its top
  const char* key;
  const char* help;
};
constexpr std::array kFields{
    Field{"scenario", "", "scenario", "what is made, as 1080p60-h265, or any label"},
    Field{"confidence", "", "confidence", "auto, high, medium or low"},
    Field{"engine", "", "engine", "auto, ffmpeg or gstreamer"},
    Field{"classification", "", "classification", "production, test, benchmark or debug"},
    Field{"queue", "", "queue", "live, default or batch"},
    Field{"priority", "", "priority", "high, medium or low"},
    Field{"max-retries", "", "max_retries", "0 to 10; 0: none of any kind"},
    Field{"max-cpu-percent", "resource_limits", "max_cpu_percent", "of one CPU, 1 to 100000"},
    Field{"max-memory-mb", "resource_limits", "max_memory_mb", "MiB of memory, at least 16"},
    Field{"max-disk-mb", "resource_limits", "max_disk_mb", "MiB of scratch and output"},
    Field{"timeout-sec", "resource_limits", "timeout_sec", "longest run in seconds"},
    Field{"cpu-weight", "resource_limits", "cpu_weight", "1 to 10000"},
    Field{"pids-max", "resource_limits", "pids_max", "most processes and threads"},
    Field{"io-max", "resource_limits", "io_max", "a line of cgroup io.max"},
    Field{"min-threads", "constraints", "min_threads", "threads that the node must have"},
    Field{"min-ram-mb", "constraints", "min_ram_mb", "MiB of memory that the node must have"},
    Field{"node-id", "constraints", "node_id", "UUID of the only node that may run it"},
};

json::RawJson text_json(std::string_view text) {
  json::RawJson raw;
  json::append_string(raw.text, text);
  return raw;
}

// Whole numbers travel as numbers; everything else as text, to be refused by name where a number is wanted.
json::RawJson scalar_json(const std::string& text) {
  if (const auto number = parse_int(text)) return {cat(*number)};
  return text_json(text);
}

Result<Object> parse_object(const Object& parent, const std::string& key) {
  const auto at = parent.find(key);
  if (at == parent.end()) return Object{};
  auto object = json::decode<Object>(at->second.text);
  if (!object) return field_error(key, "must be an object");
  return object;
}

// By the name; without a telling one JSON begins as an object does.
bool is_yaml(std::string_view path, std::string_view text) {
  if (path.ends_with(".yaml") || path.ends_with(".yml")) return true;
  return !path.ends_with(".json") && !trim(text).starts_with('{');
}

Result<Object> read_job_file(const std::string& path) {
  if (path.empty()) return Object{};
  std::string text;
  if (path == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    std::ifstream file(path, std::ios::binary);
    if (!file || !std::filesystem::is_regular_file(std::filesystem::status(path)))
      return make_error(Errc::kInvalid, cat("--file ", path, ": cannot be read"));
    text.assign(std::istreambuf_iterator<char>(file), {});
  }
  if (is_yaml(path, text)) {
    auto converted = api::json_of_yaml(text);
    if (!converted) return make_error(Errc::kInvalid, cat("--file ", path, ": ", converted.error().message));
    text = std::move(*converted);
  }
  auto object = json::decode<Object>(text);
  if (!object) return std::move(object.error()).within(cat("--file ", path, ": must be a job as JSON or YAML"));
  return object;
}

Result<std::pair<std::string, std::string>> split_pair(const std::string& flag, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return make_error(Errc::kInvalid, cat("--", flag, " ", text, ": must be key=value"));
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

// A key that stands once is a value, one that is repeated a list.
Status put_parameters(Object& parameters, const Invocation& invocation) {
  std::map<std::string, std::vector<std::string>> given;
  for (const std::string& text : invocation.values("param")) {
    FFRTMP_ASSIGN(const auto pair, split_pair("param", text));
    given[pair.first].push_back(pair.second);
  }
  for (const auto& [key, values] : given)
    parameters[key] = values.size() == 1 ? text_json(values.front()) : json::RawJson{json::encode(values)};
  return {};
}

void make_absolute(Object& parameters, const std::string& cwd) {
  for (const char* key : {"input", "output"}) {
    const auto at = parameters.find(key);
    if (at == parameters.end()) continue;
    if (const auto path = json::decode<std::vector<std::string>>(cat("[", at->second.text, "]"));
        path && path->size() == 1)
      at->second = text_json(absolute_path(path->front(), cwd));
  }
}

Status put_labels(Object& constraints, const Invocation& invocation) {
  FFRTMP_ASSIGN(Object labels, parse_object(constraints, "labels"));
  for (const std::string& text : invocation.values("label")) {
    FFRTMP_ASSIGN(const auto pair, split_pair("label", text));
    labels[pair.first] = text_json(pair.second);
  }
  if (!labels.empty()) constraints["labels"] = {json::encode(labels)};
  return {};
}

void put_fields(Object& object, std::string_view group, const Invocation& invocation) {
  for (const Field& field : kFields)
    if (field.group == group && invocation.has(field.flag))
      object[field.key] = scalar_json(invocation.value(field.flag));
}

}  // namespace

std::vector<FlagSpec> job_flags() {
  std::vector<FlagSpec> flags;
  for (const Field& field : kFields) flags.push_back({field.flag, config::Kind::kValue, field.help});
  flags.push_back({"label", config::Kind::kList, "key=value that the node must have"});
  flags.push_back({"param", config::Kind::kList, "key=value of parameters: input, output, codec, bitrate …"});
  flags.push_back({"file", config::Kind::kValue, "job as JSON or YAML; flags stand over it; - reads stdin"});
  return flags;
}

std::string absolute_path(const std::string& path, const std::string& cwd) {
  const std::size_t colon = path.find(':');
  const bool has_scheme = colon != std::string::npos && path.find('/') > colon;
  if (path.empty() || path.front() == '/' || has_scheme) return path;
  return (std::filesystem::path(cwd) / path).lexically_normal().string();
}

Result<std::string> make_submit_body(const Invocation& invocation, const std::string& cwd) {
  FFRTMP_ASSIGN(Object body, read_job_file(invocation.value("file")));
  put_fields(body, "", invocation);
  FFRTMP_ASSIGN(Object limits, parse_object(body, "resource_limits"));
  put_fields(limits, "resource_limits", invocation);
  FFRTMP_ASSIGN(Object constraints, parse_object(body, "constraints"));
  put_fields(constraints, "constraints", invocation);
  FFRTMP_TRY(put_labels(constraints, invocation));
  FFRTMP_ASSIGN(Object parameters, parse_object(body, "parameters"));
  FFRTMP_TRY(put_parameters(parameters, invocation));
  make_absolute(parameters, cwd);
  if (!limits.empty()) body["resource_limits"] = {json::encode(limits)};
  if (!constraints.empty()) body["constraints"] = {json::encode(constraints)};
  if (!parameters.empty()) body["parameters"] = {json::encode(parameters)};
  return json::encode(body);
}

}  // namespace ffrtmp::cli
