#pragma once
// Text the way the field writes it: durations, sizes, splitting, escaping.
#include <charconv>
#include <chrono>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ffrtmp {

namespace text_detail {
inline void put(std::string& out, std::string_view piece) { out += piece; }
inline void put(std::string& out, char piece) { out += piece; }
template <std::integral T>
  requires(!std::same_as<T, char> && !std::same_as<T, bool>)
void put(std::string& out, T piece) {
  out += std::to_string(piece);
}
}  // namespace text_detail

// The pieces one after another: strings, characters and integers.
template <class... T>
[[nodiscard]] std::string cat(const T&... pieces) {
  std::string out;
  (text_detail::put(out, pieces), ...);
  return out;
}

[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
[[nodiscard]] std::string join(const std::vector<std::string>& parts, std::string_view separator);
[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] std::string to_lower(std::string_view text);

// The whole text as a number, or nothing: no sign but '-', no spaces, no rest.
[[nodiscard]] std::optional<std::int64_t> parse_int(std::string_view text);
[[nodiscard]] std::optional<double> parse_number(std::string_view text);

// Go's duration syntax plus d = 24h: "1h30m", "250ms"; the unit is required. kInvalid names the text.
[[nodiscard]] Result<std::chrono::nanoseconds> parse_duration(std::string_view text);
// As short as Go prints it: "1m30s", "250ms", "0s".
[[nodiscard]] std::string format_duration(std::chrono::nanoseconds duration);

// A number with `decimals` digits behind the point, in the C locale.
[[nodiscard]] std::string format_fixed(double value, int decimals);
// "12.3 MiB", for people.
[[nodiscard]] std::string format_bytes(std::int64_t bytes);
// Control characters, quotes and backslashes as \xNN, \" and \\, so that a value stays on its line.
[[nodiscard]] std::string escape(std::string_view text);

// Edits (insert, delete, replace) from a to b; for "did you mean".
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

// What an unknown name was probably meant to be: the nearest known one that is at most two edits away.
class Suggestion {
 public:
  explicit Suggestion(std::string_view unknown) : unknown_(unknown) {}
  void consider(std::string_view known);
  [[nodiscard]] const std::string& best() const { return best_; }  // "" when none is near
  [[nodiscard]] std::string text() const;  // `, did you mean "x"?`, or nothing

 private:
  std::string unknown_;
  std::string best_;
  std::size_t best_distance_ = 3;  // none yet
};

}  // namespace ffrtmp
