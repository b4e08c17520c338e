#pragma once
// Values that a field takes by name, and what to say when a name is none of them.
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ffrtmp::model {

template <class T>
struct Named {
  std::string_view name;
  T value;
};

template <class T>
[[nodiscard]] std::optional<T> find_named(std::span<const Named<T>> table, std::string_view name) {
  for (const Named<T>& row : table)
    if (row.name == name) return row.value;
  return std::nullopt;
}

// "must be one of: a, b, c".
template <class T>
[[nodiscard]] std::string one_of(std::span<const Named<T>> table) {
  std::string text = "must be one of:";
  for (const Named<T>& row : table) {
    text += row.name.data() == table.front().name.data() ? " " : ", ";
    text += row.name;
  }
  return text;
}

}  // namespace ffrtmp::model
