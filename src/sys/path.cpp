#include "sys/path.h"

namespace ffrtmp::sys {

bool is_at_or_below(std::string_view path, std::string_view top) {
  while (top.size() > 1 && top.back() == '/') top.remove_suffix(1);
  if (top == "/") return path.starts_with('/');
  return path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/');
}

}  // namespace ffrtmp::sys
