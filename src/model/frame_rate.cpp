#include "model/frame_rate.h"

#include <cmath>

#include "base/text.h"

namespace ffrtmp::model {
namespace {

// The whole rate that 1000/1001 of is meant; 0: none.
int base_of_decimal(double fps) {
  for (const int base : {24, 30, 48, 60, 120, 240})
    if (std::abs(fps - base * 1000.0 / 1001.0) < 0.005) return base;
  return 0;
}

}  // namespace

std::string number_text(double value) {
  std::string text = format_fixed(value, 6);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string rate_text(double fps) {
  if (const int base = base_of_decimal(fps)) return cat(base * 1000, "/1001");
  return number_text(fps);
}

std::string rate_fraction(double fps) {
  if (const int base = base_of_decimal(fps)) return cat(base * 1000, "/1001");
  if (fps == std::floor(fps)) return cat(static_cast<long long>(fps), "/1");
  return cat(std::llround(fps * 1000), "/1000");
}

double exact_rate(double fps) {
  if (const int base = base_of_decimal(fps)) return base * 1000.0 / 1001.0;
  return fps;
}

}  // namespace ffrtmp::model
