#include "base/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace ffrtmp {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  std::size_t start = 0;
  for (;;) {
    const std::size_t end = text.find(separator, start);
    if (end == std::string_view::npos) break;
    parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  parts.push_back(text.substr(start));
  return parts;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (const std::string& part : parts) {
    if (&part != parts.data()) out += separator;
    out += part;
  }
  return out;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::optional<std::int64_t> parse_int(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

namespace {

struct Unit {
  std::string_view name;
  std::int64_t nanos;
};
constexpr std::array kUnits{
    Unit{"ns", 1},          Unit{"us", 1000},           Unit{"µs", 1000},
    Unit{"ms", 1'000'000},  Unit{"s", 1'000'000'000},   Unit{"m", 60'000'000'000},
    Unit{"h", 3'600'000'000'000}, Unit{"d", 86'400'000'000'000},
};

std::optional<std::int64_t> unit_nanos(std::string_view name) {
  for (const Unit& unit : kUnits)
    if (unit.name == name) return unit.nanos;
  return std::nullopt;
}

bool in_number(char c) { return (c >= '0' && c <= '9') || c == '.'; }

}  // namespace

Result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return make_error(Errc::kInvalid, cat("\"", escape(text), "\": ", why));
  };
  std::string_view rest = text;
  const bool negative = !rest.empty() && rest.front() == '-';
  if (!rest.empty() && (rest.front() == '-' || rest.front() == '+')) rest.remove_prefix(1);
  if (rest.empty()) return bad("not a duration");
  long double total = 0;
  while (!rest.empty()) {
    const auto number_end = std::find_if_not(rest.begin(), rest.end(), in_number);
    const auto unit_end = std::find_if(number_end, rest.end(), in_number);
    const std::string_view digits(rest.begin(), number_end);
    const std::string_view unit(number_end, unit_end);
    const auto value = parse_number(digits);
    if (!value) return bad("not a duration");
    if (unit.empty()) return bad("missing unit (ns us ms s m h d)");
    const auto nanos = unit_nanos(unit);
    if (!nanos) return bad(cat("unknown unit \"", escape(unit), "\" (ns us ms s m h d)"));
    total += static_cast<long double>(*value) * static_cast<long double>(*nanos);
    rest.remove_prefix(digits.size() + unit.size());
  }
  if (total > 9.2e18L) return bad("too long");
  const auto nanos = static_cast<std::int64_t>(std::llround(total));
  return std::chrono::nanoseconds(negative ? -nanos : nanos);
}

std::string format_duration(std::chrono::nanoseconds duration) {
  std::int64_t nanos = duration.count();
  if (nanos == 0) return "0s";
  std::string out;
  if (nanos < 0) {
    out = "-";
    nanos = -nanos;
  }
  const auto with_fraction = [&](std::int64_t unit, std::string_view name) {
    std::string number = cat(nanos / unit);
    if (std::int64_t fraction = nanos % unit; fraction != 0) {
      std::string digits = cat(unit + fraction).substr(1);
      digits.erase(digits.find_last_not_of('0') + 1);
      number += "." + digits;
    }
    out += number;
    out += name;
  };
  if (nanos < 1000) return out + cat(nanos, "ns");
  if (nanos < 1'000'000) return with_fraction(1000, "us"), out;
  if (nanos < 1'000'000'000) return with_fraction(1'000'000, "ms"), out;
  if (const std::int64_t hours = nanos / 3'600'000'000'000; hours > 0) out += cat(hours, "h");
  nanos %= 3'600'000'000'000;
  if (const std::int64_t minutes = nanos / 60'000'000'000; minutes > 0) out += cat(minutes, "m");
  nanos %= 60'000'000'000;
  if (nanos > 0) with_fraction(1'000'000'000, "s");
  return out;
}

std::string format_fixed(double value, int decimals) {
  char text[64];
  const auto [end, error] =
      std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, decimals);
  return error == std::errc{} ? std::string(text, end) : std::string("?");
}

std::string format_bytes(std::int64_t bytes) {
  constexpr std::array<std::string_view, 5> kNames{"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kNames.size()) {
    value /= 1024;
    ++unit;
  }
  return cat(format_fixed(value, unit == 0 ? 0 : 1), " ", kNames[unit]);
}

std::string escape(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replace});
    }
  }
  return row[b.size()];
}

void Suggestion::consider(std::string_view known) {
  const std::size_t distance = edit_distance(unknown_, known);
  if (distance >= best_distance_) return;
  best_ = known;
  best_distance_ = distance;
}

std::string Suggestion::text() const { return best_.empty() ? std::string() : cat(", did you mean \"", best_, "\"?"); }

}  // namespace ffrtmp
