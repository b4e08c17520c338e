#pragma once
// Whether a path lies beneath one of some directories, by its text alone. The worker asks the kernel again.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "model/locator.h"

namespace ffrtmp::master {

[[nodiscard]] inline bool is_beneath(std::string_view path, const std::vector<std::string>& roots) {
  return std::any_of(roots.begin(), roots.end(),
                     [&](const std::string& root) { return model::relative_to(path, root).has_value(); });
}

}  // namespace ffrtmp::master
