#include "base/clock.h"

#include <ctime>

#include <cstdio>
#include <string>

namespace ffrtmp {

BootClock::time_point BootClock::now() {
  timespec ts{};
  clock_gettime(CLOCK_BOOTTIME, &ts);
  return time_point(std::chrono::seconds(ts.tv_sec) + std::chrono::nanoseconds(ts.tv_nsec));
}

Now SystemClock::now() const {
  return Now{std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now()), BootClock::now()};
}

std::string format_utc(UtcTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[40];
  const int length =
      std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                    static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                    static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return std::string(text, static_cast<std::size_t>(length));
}

namespace {

// Reads exactly `digits` decimal digits at `at`, moving it; -1 when they are not there.
int read_digits(std::string_view text, std::size_t& at, int digits) {
  int value = 0;
  for (int i = 0; i < digits; ++i, ++at) {
    if (at >= text.size() || text[at] < '0' || text[at] > '9') return -1;
    value = value * 10 + (text[at] - '0');
  }
  return value;
}

bool read_char(std::string_view text, std::size_t& at, std::string_view any_of) {
  if (at >= text.size() || any_of.find(text[at]) == std::string_view::npos) return false;
  ++at;
  return true;
}

Error bad_time(std::string_view text) {
  return make_error(Errc::kInvalid, "\"" + std::string(text) + "\" is not an RFC 3339 time");
}

}  // namespace

Result<UtcTime> parse_utc(std::string_view text) {
  using namespace std::chrono;
  std::size_t at = 0;
  const int y = read_digits(text, at, 4);
  if (y < 0 || !read_char(text, at, "-")) return bad_time(text);
  const int mo = read_digits(text, at, 2);
  if (mo < 0 || !read_char(text, at, "-")) return bad_time(text);
  const int d = read_digits(text, at, 2);
  if (d < 0 || !read_char(text, at, "Tt ")) return bad_time(text);
  const int h = read_digits(text, at, 2);
  if (h < 0 || h > 23 || !read_char(text, at, ":")) return bad_time(text);
  const int mi = read_digits(text, at, 2);
  if (mi < 0 || mi > 59 || !read_char(text, at, ":")) return bad_time(text);
  const int s = read_digits(text, at, 2);
  const year_month_day date{year(y), month(static_cast<unsigned>(mo)), day(static_cast<unsigned>(d))};
  if (s < 0 || s > 60 || !date.ok()) return bad_time(text);
  microseconds fraction{0};
  if (at < text.size() && text[at] == '.') {
    ++at;
    int scale = 100000;
    std::size_t digits = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++digits) {
      fraction += microseconds((text[at] - '0') * scale);
      scale /= 10;
    }
    if (digits == 0 || digits > 9) return bad_time(text);
  }
  minutes offset{0};
  if (!read_char(text, at, "Zz")) {
    if (at >= text.size()) return bad_time(text);
    const char sign = text[at];
    if (!read_char(text, at, "+-")) return bad_time(text);
    const int oh = read_digits(text, at, 2);
    if (oh < 0 || oh > 23 || !read_char(text, at, ":")) return bad_time(text);
    const int om = read_digits(text, at, 2);
    if (om < 0 || om > 59) return bad_time(text);
    offset = hours(oh) + minutes(om);
    if (sign == '-') offset = -offset;
  }
  if (at != text.size()) return bad_time(text);
  return UtcTime(sys_days(date)) + hours(h) + minutes(mi) + seconds(s) + fraction - offset;
}

}  // namespace ffrtmp
