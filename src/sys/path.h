#pragma once
// Absolute paths, of files and of groups, compared by whole components. Pure.
#include <string_view>

namespace ffrtmp::sys {

// Whether `path` is `top` or below it: /data/x is below /data, /database is not. A slash at the end of `top` does not
// count.
[[nodiscard]] bool is_at_or_below(std::string_view path, std::string_view top);

}  // namespace ffrtmp::sys
