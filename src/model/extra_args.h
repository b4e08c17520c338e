#pragma once
// Encoder options that a job may pass on: a closed list of flags, and values that hold no path and no blank.
#include <string>
#include <vector>

#include "base/result.h"

namespace ffrtmp::model {

// At most this many items, flags and values counted alike.
inline constexpr std::size_t kMaxExtraArgs = 32;

// flag, value, flag, value …; kInvalid names the item at fault.
[[nodiscard]] Status check_extra_args(const std::vector<std::string>& args);

}  // namespace ffrtmp::model
