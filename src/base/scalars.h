#pragma once
// A value as a person wrote it: one scalar or a list of scalars, kept as text until its rule reads it.
#include <string>
#include <vector>

namespace ffrtmp {

struct Scalars {
  std::vector<std::string> values;
  bool is_list = false;
  bool is_bare = false;  // a single number or boolean, written without quotes

  bool operator==(const Scalars&) const = default;
  [[nodiscard]] static Scalars one(std::string text) { return Scalars{{std::move(text)}, false, false}; }
};

}  // namespace ffrtmp
