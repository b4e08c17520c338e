// Bit rates as the field writes them; k and M are powers of ten.
#include <cmath>

#include "base/text.h"
#include "model/spec_rules.h"

namespace ffrtmp::model {

Result<std::int64_t> parse_bitrate(std::string_view text) {
  const auto bad = [&] { return make_error(Errc::kInvalid, "must be a bit rate such as 2000k, 5M or 128000"); };
  double factor = 1;
  std::string_view digits = text;
  if (!digits.empty()) {
    const char unit = digits.back();
    if (unit == 'k' || unit == 'K') factor = 1e3;
    if (unit == 'm' || unit == 'M') factor = 1e6;
    if (factor > 1) digits.remove_suffix(1);
  }
  if (digits.empty() || digits.find_first_not_of("0123456789.") != std::string_view::npos) return bad();
  const auto number = parse_number(digits);
  if (!number || *number * factor > 1e15) return bad();
  return std::llround(*number * factor);
}

}  // namespace ffrtmp::model
