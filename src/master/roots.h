#pragma once
// Whether a path lies beneath one of some directories, by its text alone. The worker asks the kernel again.
#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "model/locator.h"

namespace ffrtmp::master {

[[nodiscard]] inline bool is_beneath(std::string_view path, const std::vector<std::string>& roots) {
  return std::any_of(roots.begin(), roots.end(),
                     [&](const std::string& root) { return model::relative_to(path, root).has_value(); });
}

// What nodes allow, for a person: directories alone, as servers are listed among them, and the first of many.
[[nodiscard]] inline std::string shown_roots(const std::set<std::string>& roots) {
  constexpr std::size_t kShown = 8;
  std::vector<std::string> shown;
  for (const std::string& root : roots) {
    if (!root.starts_with('/')) continue;
    if (shown.size() == kShown) {
      shown.emplace_back("…");
      break;
    }
    shown.push_back(root);
  }
  return join(shown, ", ");
}

}  // namespace ffrtmp::master
