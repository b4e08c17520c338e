#include "json/json.h"

#include <gtest/gtest.h>

#include <limits>

namespace ffrtmp::json {
namespace {

enum class Colour { kRed, kDarkBlue };
BOOST_DESCRIBE_ENUM(Colour, kRed, kDarkBlue)

struct Inner {
  int depth = 1;
  std::optional<std::string> note;
  bool operator==(const Inner&) const = default;
};
BOOST_DESCRIBE_STRUCT(Inner, (), (depth, note))

struct Outer {
  std::string name = "none";
  bool loud = false;
  double ratio = 0.5;
  std::uint8_t small = 7;
  std::int64_t large = 0;
  Colour colour = Colour::kRed;
  std::optional<Inner> inner;
  std::vector<Inner> list;
  std::map<std::string, std::string> labels;
  UtcTime at{};
  Uuid id;
  RawJson raw;
  bool operator==(const Outer&) const = default;
};
BOOST_DESCRIBE_STRUCT(Outer, (), (name, loud, ratio, small, large, colour, inner, list, labels, at, id, raw))

Error error_of(std::string_view text, UnknownKeys unknown = UnknownKeys::kReject) {
  auto got = decode<Outer>(text, unknown);
  EXPECT_FALSE(got) << text;
  return got ? Error{} : std::move(got).error();
}

TEST(Json, WritesMembersInOrderWithoutTheUnset) {
  EXPECT_EQ(encode(Outer{}),
            R"({"name":"none","loud":false,"ratio":0.5,"small":7,"large":0,"colour":"red","list":[],"labels":{},)"
            R"("at":"1970-01-01T00:00:00.000000Z","id":"00000000-0000-0000-0000-000000000000","raw":{}})");
}

TEST(Json, ReadsBackWhatItWrote) {
  Outer full;
  full.name = "a \"b\" \\ \n\t\x01 \xc3\xa4";
  full.loud = true;
  full.ratio = 29.97;
  full.small = 255;
  full.large = std::numeric_limits<std::int64_t>::min();
  full.colour = Colour::kDarkBlue;
  full.inner = Inner{3, "x"};
  full.list = {Inner{}, Inner{2, ""}};
  full.labels = {{"rack", "7"}, {"a b", "\xe2\x82\xac"}};
  full.at = *parse_utc("2026-01-07T10:20:30.123456Z");
  full.id = *parse_uuid("017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  full.raw = RawJson{R"({"k":[1,null]})"};
  const auto back = decode<Outer>(encode(full));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, full);
}

TEST(Json, MissingAndNullKeepTheDefault) {
  const auto got = decode<Outer>(R"({"name":null,"inner":null,"list":null})");
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(*got, Outer{});
}

TEST(Json, ReadsWholeNumbersHoweverWritten) {
  EXPECT_EQ(decode<Outer>(R"({"large":1e3})")->large, 1000);
  EXPECT_EQ(decode<Outer>(R"({"large":5.0})")->large, 5);
  EXPECT_EQ(decode<Outer>(R"({"ratio":3})")->ratio, 3.0);
}

struct Marks {
  std::uint64_t inode = 0;
  std::int64_t offset = 0;
};
BOOST_DESCRIBE_STRUCT(Marks, (), (inode, offset))

TEST(Json, WholeNumbersReachTheirTypesEnds) {
  for (const std::uint64_t inode : {std::uint64_t{0}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    const auto marks = decode<Marks>(encode(Marks{inode, std::numeric_limits<std::int64_t>::min()}));
    ASSERT_TRUE(marks) << marks.error().message;
    EXPECT_EQ(marks->inode, inode);
    EXPECT_EQ(marks->offset, std::numeric_limits<std::int64_t>::min());
  }
  EXPECT_FALSE(decode<Marks>(R"({"inode":-1})"));
  EXPECT_FALSE(decode<Marks>(R"({"offset":9223372036854775808})"));
}

TEST(Json, NamesTheFieldAtFault) {
  struct Row {
    const char* text;
    const char* field;
    const char* message;
  };
  const Row rows[] = {
      {R"({"name":5})", "name", "must be a string"},
      {R"({"loud":"yes"})", "loud", "must be true or false"},
      {R"({"small":1.5})", "small", "must be a whole number"},
      {R"({"small":256})", "small", "must be a whole number in range"},
      {R"({"small":-1})", "small", "must be a whole number in range"},
      {R"({"large":18446744073709551615})", "large", "must be a whole number"},
      {R"({"ratio":"1"})", "ratio", "must be a number"},
      {R"({"colour":"green"})", "colour", "\"green\" is not one of: red, dark_blue"},
      {R"({"inner":[]})", "inner", "must be an object"},
      {R"({"inner":{"depth":"x"}})", "inner.depth", "must be a whole number"},
      {R"({"list":{}})", "list", "must be a list"},
      {R"({"list":[{},{"note":1}]})", "list[1].note", "must be a string"},
      {R"({"labels":{"rack":7}})", "labels.rack", "must be a string"},
      {R"({"at":"yesterday"})", "at", "must be an RFC 3339 time"},
      {R"({"id":"12ab"})", "id", "must be a UUID"},
      {R"({"nmae":"x"})", "nmae", "unknown field, did you mean \"name\"?"},
      {R"({"inner":{"zzzzzz":1}})", "inner.zzzzzz", "unknown field"},
  };
  for (const Row& row : rows) {
    const Error error = error_of(row.text);
    EXPECT_EQ(error.code, Errc::kInvalidField) << row.text;
    EXPECT_EQ(error.field, row.field) << row.text;
    EXPECT_EQ(error.message, row.message) << row.text;
  }
}

TEST(Json, IgnoresUnknownKeysWhenTold) {
  const auto got = decode<Outer>(R"({"later":{"x":1},"name":"n","inner":{"more":2}})", UnknownKeys::kIgnore);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->name, "n");
}

TEST(Json, RefusesTextThatIsNoDocument) {
  for (const auto* bad : {"", "{", "{} {}", "{}x", "{'name':1}", R"({"name":"a)", R"({"name":1,})", "nul", "\xff",
                          "{\"name\":\"\xff\"}", R"({"large":1e})", "[]", "5", "null"})
    EXPECT_EQ(error_of(bad).code, Errc::kInvalid) << bad;
  EXPECT_TRUE(decode<Outer>(" {} \r\n\t"));
}

TEST(Json, DeepNestingIsAnErrorAndNoCrash) {
  const std::string deep(100'000, '[');
  EXPECT_EQ(error_of(deep).code, Errc::kInvalid);
  EXPECT_EQ(error_of(cat(R"({"raw":)", deep)).code, Errc::kInvalid);
}

TEST(Json, WritesBytesThatAreNoUtf8AsReplacement) {
  const std::pair<std::string, std::string> rows[] = {
      {"\xff", "\xef\xbf\xbd"},
      {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                       // overlong "/"
      {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},        // half a surrogate pair
      {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},  // past U+10FFFF
      {"a\xe2\x82", "a\xef\xbf\xbd\xef\xbf\xbd"},                     // cut off
      {"\xf0\x9f\x8e\xac", "\xf0\x9f\x8e\xac"},
  };
  for (const auto& [bytes, want] : rows) {
    std::string out;
    append_string(out, bytes);
    EXPECT_EQ(out, cat("\"", want, "\""));
  }
}

TEST(Json, NumbersReadBackEqualAndNeverAsNan) {
  EXPECT_EQ(number_text(0.1), "0.1");
  EXPECT_EQ(number_text(25), "25");
  EXPECT_EQ(number_text(1e21), "1e+21");
  EXPECT_EQ(number_text(std::numeric_limits<double>::quiet_NaN()), "null");
  EXPECT_EQ(number_text(-std::numeric_limits<double>::infinity()), "null");
}

struct Settings {
  std::map<std::string, Scalars> parameters;
  bool operator==(const Settings&) const = default;
};
BOOST_DESCRIBE_STRUCT(Settings, (), (parameters))

TEST(Json, ScalarsKeepTheirTextAndForm) {
  const std::string text =
      R"({"parameters":{"args":["-g","60"],"crf":23,"fps":29.97,"overwrite":true,"preset":"fast","text":"23"}})";
  const auto got = decode<Settings>(text);
  ASSERT_TRUE(got) << got.error().message;
  const auto& p = got->parameters;
  EXPECT_EQ(p.at("crf"), (Scalars{{"23"}, false, true}));
  EXPECT_EQ(p.at("text"), (Scalars{{"23"}, false, false}));
  EXPECT_EQ(p.at("fps").values.front(), "29.97");
  EXPECT_EQ(p.at("overwrite").values.front(), "true");
  EXPECT_EQ(p.at("args"), (Scalars{{"-g", "60"}, true, false}));
  EXPECT_EQ(encode(*got), text);
}

struct Rate {
  double rate = 0;
  std::map<std::string, Scalars> parameters;
};
BOOST_DESCRIBE_STRUCT(Rate, (), (rate, parameters))

TEST(Json, InfinityIsNoNumber) {
  EXPECT_FALSE(decode<Rate>(R"({"rate":1e400})"));
  EXPECT_FALSE(decode<Rate>(R"({"parameters":{"fps":-1e999}})"));
  EXPECT_FALSE(decode<Rate>(R"({"parameters":{"fps":[1,1e999]}})"));
  EXPECT_TRUE(decode<Rate>(R"({"rate":1e308,"parameters":{"fps":1e-400}})"));
}

TEST(Json, ScalarsAreNoObjectsAndNoNestedLists) {
  for (const auto* bad : {R"({"parameters":{"a":{}}})", R"({"parameters":{"a":[[1]]}})", R"({"parameters":{"a":[null]}})"}) {
    const auto got = decode<Settings>(bad);
    ASSERT_FALSE(got) << bad;
    EXPECT_EQ(got.error().field, "parameters.a");
  }
}

TEST(Json, EnumeratorsHaveWireNames) {
  EXPECT_EQ(enum_name(Colour::kDarkBlue), "dark_blue");
  EXPECT_EQ(*parse_enum<Colour>("dark_blue"), Colour::kDarkBlue);
  for (const auto* bad : {"", "darkblue", "dark_blu", "dark_blue_", "Red", "kRed", "dark__blue"})
    EXPECT_FALSE(parse_enum<Colour>(bad)) << bad;
}

}  // namespace
}  // namespace ffrtmp::json
