#include "base/text.h"

#include <gtest/gtest.h>

#include <limits>

namespace ffrtmp {
namespace {

using std::chrono::nanoseconds;
using namespace std::chrono_literals;

TEST(Text, CatsStringsCharactersAndIntegers) {
  EXPECT_EQ(cat("a", 'b', std::string("c"), std::string_view("d"), 1, -2L, std::uint8_t{3}), "abcd1-23");
  EXPECT_EQ(cat(), "");
}

TEST(Text, SplitKeepsEmptyParts) {
  using Parts = std::vector<std::string_view>;
  EXPECT_EQ(split("a,b", ','), (Parts{"a", "b"}));
  EXPECT_EQ(split("", ','), (Parts{""}));
  EXPECT_EQ(split(",a,,", ','), (Parts{"", "a", "", ""}));
}

TEST(Text, JoinPutsTheSeparatorBetweenOnly) {
  EXPECT_EQ(join({}, ", "), "");
  EXPECT_EQ(join({"a"}, ", "), "a");
  EXPECT_EQ(join({"a", "a", "", "b"}, ", "), "a, a, , b");
}

TEST(Text, TrimsBothEnds) {
  EXPECT_EQ(trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Text, LowersAsciiOnly) { EXPECT_EQ(to_lower("H264-\xc3\x84Z"), "h264-\xc3\x84z"); }

TEST(Text, ParsesTheWholeTextAsANumberOrNothing) {
  EXPECT_EQ(parse_int("0"), 0);
  EXPECT_EQ(parse_int("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  for (const auto* bad : {"", " 1", "1 ", "+1", "1.0", "0x1", "12ab", "9223372036854775808"})
    EXPECT_EQ(parse_int(bad), std::nullopt) << bad;
  EXPECT_EQ(parse_number("29.97"), 29.97);
  EXPECT_EQ(parse_number("1e3"), 1000.0);
  for (const auto* bad : {"", "nan", "inf", "-inf", "1,5", "1.5x", "1e999"}) EXPECT_EQ(parse_number(bad), std::nullopt) << bad;
}

struct DurationRow {
  const char* text;
  nanoseconds want;
};

TEST(Text, ParsesDurationsAsGoDoesPlusDays) {
  const DurationRow rows[] = {
      {"1h30m", 90min},      {"250ms", 250ms}, {"1.5s", 1500ms},      {"0s", 0s},     {"7d", 168h},
      {"1d12h", 36h},        {"10us", 10us},   {"10\xc2\xb5s", 10us}, {"3ns", 3ns},   {"-5s", -5s},
      {"+5s", 5s},           {".5s", 500ms},   {"100h0m1s", 360001s}, {"2m0.25s", 120250ms},
  };
  for (const DurationRow& row : rows) {
    const auto got = parse_duration(row.text);
    ASSERT_TRUE(got) << row.text << ": " << got.error().message;
    EXPECT_EQ(*got, row.want) << row.text;
  }
}

TEST(Text, RefusesDurationsThatAreNone) {
  for (const auto* bad : {"", "-", "5", "0", "s", "1.2.3s", "5 s", "5S", "5sec", "1w", "h1", "1e3s", "300000d"}) {
    const auto got = parse_duration(bad);
    ASSERT_FALSE(got) << bad;
    EXPECT_EQ(got.error().code, Errc::kInvalid) << bad;
    EXPECT_NE(got.error().message.find(cat("\"", bad, "\"")), std::string::npos) << got.error().message;
  }
}

TEST(Text, FormatsDurationsShortly) {
  const DurationRow rows[] = {
      {"0s", 0s},      {"1m30s", 90s}, {"250ms", 250ms}, {"1h", 1h},     {"1.5s", 1500ms},    {"36h", 36h},
      {"-5s", -5s},    {"10us", 10us}, {"3ns", 3ns},     {"1h1s", 3601s}, {"1.001ms", 1001us},
  };
  for (const DurationRow& row : rows) {
    EXPECT_EQ(format_duration(row.want), row.text);
    EXPECT_EQ(*parse_duration(format_duration(row.want)), row.want) << row.text;
  }
}

TEST(Text, FormatsNumbersForPeople) {
  EXPECT_EQ(format_fixed(47.25, 1), "47.2");  // to even, as printf
  EXPECT_EQ(format_fixed(1.0, 2), "1.00");
  EXPECT_EQ(format_fixed(-0.5, 0), "-0");
  EXPECT_EQ(format_fixed(1e300, 1), "?");  // longer than a person reads
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes(12'897'485), "12.3 MiB");
  EXPECT_EQ(format_bytes(std::int64_t{5} << 50), "5120.0 TiB");
}

TEST(Text, EscapesWhatWouldLeaveTheLine) {
  EXPECT_EQ(escape("a\nb\r\t\x7f"), "a\\x0ab\\x0d\\x09\\x7f");
  EXPECT_EQ(escape(R"(say "hi" \o/)"), R"(say \"hi\" \\o/)");
  EXPECT_EQ(escape("\xc3\xa4"), "\xc3\xa4");
  EXPECT_EQ(escape(std::string_view("\0x", 2)), "\\x00x");
}

TEST(Text, CountsEdits) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("abc", ""), 3U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("scenraio", "scenario"), 2U);
}

TEST(Text, SuggestsTheNearestOfTheKnown) {
  Suggestion suggestion("scenraio");
  EXPECT_EQ(suggestion.text(), "");
  for (const char* known : {"other", "scenarios1", "scenario", "scenrais"}) suggestion.consider(known);
  EXPECT_EQ(suggestion.best(), "scenrais") << "one edit is nearer than two";
  EXPECT_EQ(suggestion.text(), ", did you mean \"scenrais\"?");
  Suggestion far("frame");
  far.consider("resolution");
  EXPECT_EQ(far.text(), "");
}

}  // namespace
}  // namespace ffrtmp
