#include "model/parameter_names.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"

namespace ffrtmp::model {
namespace {

constexpr std::array<std::string_view, 22> kNames{
    "input",       "output",        "output_mode", "rtmp_url", "stream_key", "codec",          "bitrate",
    "crf",         "preset",        "resolution",  "fps",      "duration",   "pixel_format",   "hwaccel",
    "audio_codec", "audio_bitrate", "streams",     "verify",   "threads",    "allow_fallback", "overwrite",
    "extra_args"};

struct Alias {
  std::string_view name;
  std::string_view canonical;
};
constexpr std::array kAliases{Alias{"encoder", "codec"}, Alias{"frame_rate", "fps"},
                              Alias{"duration_seconds", "duration"}};

constexpr std::string_view kWidth = "resolution_width";
constexpr std::string_view kHeight = "resolution_height";

constexpr std::array<std::string_view, 7> kLimitNames{"max_cpu_percent", "max_memory_mb", "max_disk_mb", "timeout_sec",
                                                      "cpu_weight",      "pids_max",      "io_max"};

template <class Range>
bool contains(const Range& range, std::string_view name) {
  return std::find(range.begin(), range.end(), name) != range.end();
}

std::optional<std::string_view> alias_of(std::string_view name) {
  for (const Alias& alias : kAliases)
    if (alias.name == name) return alias.canonical;
  return std::nullopt;
}

Error unknown_name(std::string_view name) {
  Suggestion suggestion(name);
  for (const auto known : kNames) suggestion.consider(known);
  for (const auto known : kLimitNames) suggestion.consider(known);
  for (const Alias& alias : kAliases) suggestion.consider(alias.name);
  suggestion.consider(kWidth);
  suggestion.consider(kHeight);
  return field_error(parameter_field(name), cat("unknown parameter", suggestion.text()));
}

// As values: "30" is "30.0", "HEVC" is "h265".
bool same_value(const Scalars& a, const Scalars& b) {
  if (a.values == b.values) return true;
  if (a.values.size() != 1 || b.values.size() != 1) return false;
  const auto number_a = parse_number(a.values[0]);
  const auto number_b = parse_number(b.values[0]);
  if (number_a && number_b) return *number_a == *number_b;
  const auto plain = [](const std::string& text) {
    const std::string lower = to_lower(text);
    return lower == "hevc" ? std::string("h265") : lower;
  };
  return plain(a.values[0]) == plain(b.values[0]);
}

Status put(WrittenParameters& out, std::string_view canonical, std::string_view written_as, const Scalars& value) {
  const auto [at, is_new] = out.try_emplace(std::string(canonical), WrittenParameter{std::string(written_as), value});
  if (is_new || same_value(at->second.value, value)) return {};
  return field_error(parameter_field(written_as), cat("contradicts ", at->second.written_as));
}

Result<std::string> read_side(const std::map<std::string, Scalars>& parameters, std::string_view name,
                              std::string_view other) {
  const auto found = parameters.find(std::string(name));
  if (found == parameters.end()) return field_error(parameter_field(name), cat("is required with ", other));
  const auto& values = found->second.values;
  const auto number = values.size() == 1 ? parse_int(values[0]) : std::nullopt;
  if (!number || *number < 16 || *number > 8192 || *number % 2 != 0)
    return field_error(parameter_field(name), "must be an even whole number from 16 to 8192");
  return cat(*number);
}

Status put_sides(WrittenParameters& out, const std::map<std::string, Scalars>& parameters) {
  if (!parameters.contains(std::string(kWidth)) && !parameters.contains(std::string(kHeight))) return {};
  FFRTMP_ASSIGN(const std::string width, read_side(parameters, kWidth, kHeight));
  FFRTMP_ASSIGN(const std::string height, read_side(parameters, kHeight, kWidth));
  return put(out, "resolution", kWidth, Scalars::one(cat(width, "x", height)));
}

}  // namespace

bool is_limit_name(std::string_view name) { return contains(kLimitNames, name); }

std::string parameter_field(std::string_view name) { return cat("parameters.", name); }

Result<WrittenParameters> resolve_names(const std::map<std::string, Scalars>& parameters) {
  WrittenParameters out;
  for (const auto& [name, value] : parameters)
    if (contains(kNames, name)) FFRTMP_TRY(put(out, name, name, value));
  for (const auto& [name, value] : parameters) {
    if (contains(kNames, name) || is_limit_name(name) || name == kWidth || name == kHeight) continue;
    const auto canonical = alias_of(name);
    if (!canonical) return unknown_name(name);
    FFRTMP_TRY(put(out, *canonical, name, value));
  }
  FFRTMP_TRY(put_sides(out, parameters));
  return out;
}

}  // namespace ffrtmp::model
