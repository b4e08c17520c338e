#pragma once
// Whether a path lies beneath one of some directories, by its text alone. The worker asks the kernel again.
#include <string>
#include <string_view>
#include <vector>

namespace ffrtmp::master {

[[nodiscard]] inline bool is_beneath(std::string_view path, const std::vector<std::string>& roots) {
  for (const std::string_view root : roots) {
    if (root == "/") return true;
    if (path.size() > root.size() && path.substr(0, root.size()) == root && path[root.size()] == '/') return true;
  }
  return false;
}

}  // namespace ffrtmp::master
