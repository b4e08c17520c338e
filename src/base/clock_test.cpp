#include "base/clock.h"

#include <gtest/gtest.h>

namespace ffrtmp {
namespace {

using namespace std::chrono_literals;

// Expected values: date -u -d TEXT +%s.
TEST(Clock, ParsesRfc3339) {
  struct Row {
    const char* text;
    std::chrono::microseconds since_1970;
  };
  const Row rows[] = {
      {"1970-01-01T00:00:00Z", 0us},
      {"2026-01-07T10:20:30Z", 1'767'781'230s},
      {"2026-01-07t10:20:30z", 1'767'781'230s},
      {"2026-01-07 10:20:30Z", 1'767'781'230s},
      {"2026-01-07T10:20:30.5Z", 1'767'781'230s + 500ms},
      {"2026-01-07T10:20:30.123456Z", 1'767'781'230s + 123'456us},
      {"2026-01-07T10:20:30.123456789Z", 1'767'781'230s + 123'456us},
      {"2026-01-07T12:20:30+02:00", 1'767'781'230s},
      {"2026-01-07T04:50:30-05:30", 1'767'781'230s},
      {"2024-02-29T23:59:59Z", 1'709'251'199s},
      {"1969-12-31T23:59:59.999999Z", -1us},
  };
  for (const Row& row : rows) {
    const auto got = parse_utc(row.text);
    ASSERT_TRUE(got) << row.text;
    EXPECT_EQ(got->time_since_epoch(), row.since_1970) << row.text;
  }
}

TEST(Clock, RefusesWhatIsNoTime) {
  for (const auto* bad :
       {"", "2026-01-07", "2026-01-07T10:20:30", "2026-01-07T10:20Z", "2026-13-07T10:20:30Z", "2026-02-29T10:20:30Z",
        "2026-01-07T24:00:00Z", "2026-01-07T10:60:00Z", "2026-01-07T10:20:61Z", "2026-01-07T10:20:30.Z",
        "2026-01-07T10:20:30.1234567890Z", "2026-01-07T10:20:30+0200", "2026-01-07T10:20:30+24:00",
        "2026-01-07T10:20:30Z ", "26-01-07T10:20:30Z", "2026-01-07X10:20:30Z"}) {
    const auto got = parse_utc(bad);
    ASSERT_FALSE(got) << bad;
    EXPECT_EQ(got.error().code, Errc::kInvalid);
  }
}

TEST(Clock, FormatsWithMicroseconds) {
  EXPECT_EQ(format_utc(UtcTime{}), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(format_utc(UtcTime(1'767'781'230s + 7us)), "2026-01-07T10:20:30.000007Z");
  EXPECT_EQ(format_utc(UtcTime(-1us)), "1969-12-31T23:59:59.999999Z");
}

TEST(Clock, ReadsBothClocksOfTheKernel) {
  const SystemClock clock;
  const Now first = clock.now();
  const Now second = clock.now();
  EXPECT_LE(first.boot, second.boot);
  EXPECT_GT(first.boot.time_since_epoch(), 0ns);
  EXPECT_GT(first.utc, UtcTime(1'700'000'000s));
}

}  // namespace
}  // namespace ffrtmp
