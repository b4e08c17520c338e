#pragma once
// The names of `parameters`, and their aliases. A value keeps the name it was written under, for messages.
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/scalars.h"

namespace ffrtmp::model {

struct WrittenParameter {
  std::string written_as;  // "encoder"
  Scalars value;
};
// By canonical name ("codec").
using WrittenParameters = std::map<std::string, WrittenParameter>;

// Aliases resolved: encoder is codec, frame_rate fps, duration_seconds duration, and resolution_width with
// resolution_height resolution. kInvalidField: an unknown name (with the nearest known one), or two spellings of one
// parameter that contradict.
[[nodiscard]] Result<WrittenParameters> resolve_names(const std::map<std::string, Scalars>& parameters);

// Whether the name is one of resource_limits, which may stand under parameters as well.
[[nodiscard]] bool is_limit_name(std::string_view name);

// "parameters.NAME".
[[nodiscard]] std::string parameter_field(std::string_view name);

}  // namespace ffrtmp::model
