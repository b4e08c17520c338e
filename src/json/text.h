#pragma once
// The few pieces of JSON text that are not templates. Light: may be included from headers.
#include <cstdint>
#include <string>
#include <string_view>

namespace ffrtmp::json {

// A JSON value kept as text, passed through unread.
struct RawJson {
  std::string text;
  bool operator==(const RawJson&) const = default;
};

// Quoted and escaped; bytes that are no UTF-8 become U+FFFD.
void append_string(std::string& out, std::string_view text);
void append_number(std::string& out, std::int64_t value);
// Shortest text that reads back equal; a value JSON cannot hold (NaN, infinity) becomes null.
void append_number(std::string& out, double value);
[[nodiscard]] std::string number_text(double value);

}  // namespace ffrtmp::json
