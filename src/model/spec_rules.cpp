// The rules of a job outside `parameters`: scenario, limits, constraints, retries.
#include "model/spec_rules.h"

#include <algorithm>

#include "base/text.h"
#include "model/parameter_names.h"

namespace ffrtmp::model {
namespace {

constexpr std::int64_t kLarge =
    1'000'000'000;  // above any machine's MiB or any run's seconds; keeps products in 64 bits
constexpr std::size_t kMaxLabels = 64;
constexpr std::size_t kMaxLabelSize = 128;

bool made_of(std::string_view text, std::string_view punctuation) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           punctuation.find(c) != std::string_view::npos;
  });
}

Status check_scenario(const std::string& name) {
  if (name.empty()) return field_error("scenario", "is required");
  if (name.size() > 128 || !made_of(name, "._-"))
    return field_error("scenario", "must be 1 to 128 of A-Z a-z 0-9 . _ -");
  return {};
}

template <class T>
Status check_range(const std::optional<T>& value, std::int64_t low, std::int64_t high, std::string field) {
  if (!value || (*value >= low && *value <= high)) return {};
  return field_error(std::move(field), cat("must be ", low, " to ", high));
}

Status check_limits(const ResourceLimits& limits, std::string_view prefix) {
  FFRTMP_TRY(check_range(limits.max_cpu_percent, 1, 100'000, cat(prefix, "max_cpu_percent")));
  FFRTMP_TRY(check_range(limits.max_memory_mb, 16, kLarge, cat(prefix, "max_memory_mb")));
  FFRTMP_TRY(check_range(limits.max_disk_mb, 1, kLarge, cat(prefix, "max_disk_mb")));
  FFRTMP_TRY(check_range(limits.timeout_sec, 1, kLarge, cat(prefix, "timeout_sec")));
  FFRTMP_TRY(check_range(limits.cpu_weight, 1, 10'000, cat(prefix, "cpu_weight")));
  FFRTMP_TRY(check_range(limits.pids_max, 1, kLarge, cat(prefix, "pids_max")));
  if (limits.io_max)
    if (const auto line = parse_io_max(*limits.io_max); !line)
      return field_error(cat(prefix, "io_max"), line.error().message);
  return {};
}

Status check_constraints(const Constraints& constraints) {
  FFRTMP_TRY(check_range(constraints.min_threads, 1, 65'536, "constraints.min_threads"));
  FFRTMP_TRY(check_range(constraints.min_ram_mb, 1, kLarge, "constraints.min_ram_mb"));
  if (constraints.labels.size() > kMaxLabels) return field_error("constraints.labels", cat("at most ", kMaxLabels));
  for (const auto& [key, value] : constraints.labels) {
    if (key.empty() || key.size() > kMaxLabelSize || value.size() > kMaxLabelSize || !made_of(key, "._-/") ||
        !made_of(value, "._-/"))
      return field_error(cat("constraints.labels.", key),
                         cat("key and value must be up to ", kMaxLabelSize, " of A-Z a-z 0-9 . _ - /"));
  }
  return {};
}

template <class T>
Status put_limit(std::optional<T>& out, std::optional<T> value, std::string_view name, std::string_view expected) {
  if (!value) return field_error(parameter_field(name), cat("must be ", expected));
  if (out && *out != *value) return field_error(parameter_field(name), cat("contradicts resource_limits.", name));
  out = std::move(value);
  return {};
}

Status put_limit_text(ResourceLimits& limits, std::string_view name, const std::string& text) {
  const auto large = parse_int(text);
  std::optional<int> small;
  if (large && std::in_range<int>(*large)) small = static_cast<int>(*large);
  if (name == "max_cpu_percent") return put_limit(limits.max_cpu_percent, small, name, "1 to 100000");
  if (name == "cpu_weight") return put_limit(limits.cpu_weight, small, name, "1 to 10000");
  if (name == "io_max") return put_limit(limits.io_max, std::optional(text), name, "text");
  auto& out = name == "max_memory_mb" ? limits.max_memory_mb
              : name == "max_disk_mb" ? limits.max_disk_mb
              : name == "timeout_sec" ? limits.timeout_sec
                                      : limits.pids_max;
  return put_limit(out, large, name, "a whole number");
}

// Limits that stand under parameters, taken out of there.
Status move_limits(JobSpec& spec) {
  ResourceLimits moved = spec.resource_limits;
  for (auto at = spec.parameters.begin(); at != spec.parameters.end();) {
    const auto& [name, value] = *at;
    if (!is_limit_name(name)) {
      ++at;
      continue;
    }
    if (value.is_list || value.values.size() != 1) return field_error(parameter_field(name), "must be a single value");
    FFRTMP_TRY(put_limit_text(moved, name, value.values.front()));
    at = spec.parameters.erase(at);
  }
  // What was given under resource_limits was checked before: an error here is of a parameter.
  FFRTMP_TRY(check_limits(moved, "parameters."));
  spec.resource_limits = std::move(moved);
  return {};
}

}  // namespace

Status check_spec(JobSpec& spec) {
  FFRTMP_TRY(check_scenario(spec.scenario));
  FFRTMP_TRY(check_limits(spec.resource_limits, "resource_limits."));
  FFRTMP_TRY(move_limits(spec));
  FFRTMP_TRY(check_constraints(spec.constraints));
  return check_range(std::optional(spec.max_retries), 0, 10, "max_retries");
}

}  // namespace ffrtmp::model
