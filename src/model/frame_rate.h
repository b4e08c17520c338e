#pragma once
// Numbers of media as ffmpeg reads them. Pure.
#include <string>

namespace ffrtmp::model {

// To the microsecond, ffmpeg's own unit, without needless zeros: "12.5".
[[nodiscard]] std::string number_text(double value);
// Of a frame rate. Those that people write in decimals are fractions over 1001: 29.97 is "30000/1001".
[[nodiscard]] std::string rate_text(double fps);
// The same as a fraction always, to a thousandth: "25/1", "12500/1000".
[[nodiscard]] std::string rate_fraction(double fps);
// The rate that rate_text() names.
[[nodiscard]] double exact_rate(double fps);

}  // namespace ffrtmp::model
