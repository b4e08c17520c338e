#pragma once
// A request body that a person wrote as YAML, as the JSON that is sent.
#include <string>
#include <string_view>

#include "base/result.h"

namespace ffrtmp::api {

// One document. Plain scalars are null, true, false or a number where JSON would take them as such, else text (so 2M
// and 12:30 stay text, as do quoted ones). kCorrupt names line and column: a key that stands twice, a second document,
// more than kMaxSubmitBody bytes (aliases can grow without end).
[[nodiscard]] Result<std::string> json_of_yaml(std::string_view text);

}  // namespace ffrtmp::api
