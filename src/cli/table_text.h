#pragma once
// Text for people: columns and pairs. Values that come from others are made to stay on their line.
#include <string>
#include <utility>
#include <vector>

namespace ffrtmp::cli {

// Aligned columns, two blanks between them, nothing behind the last.
[[nodiscard]] std::string format_table(const std::vector<std::string>& headers,
                                       const std::vector<std::vector<std::string>>& rows);
// "Name:  value" lines; pairs with an empty value are left out.
[[nodiscard]] std::string format_pairs(const std::vector<std::pair<std::string, std::string>>& pairs);

}  // namespace ffrtmp::cli
