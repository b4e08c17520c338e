#include "base/result.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

namespace ffrtmp {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return make_error(Errc::kInvalid, "odd");
  return n / 2;
}

Result<std::string> quarter(int n) {
  FFRTMP_ASSIGN(const int first, half(n));
  FFRTMP_ASSIGN(const int second, half(first));
  return std::to_string(second);
}

Status needs_even(int n, int& calls) {
  FFRTMP_TRY(half(n));
  ++calls;
  return {};
}

TEST(Result, HoldsAValueOrAnError) {
  Result<int> value = 3;
  EXPECT_TRUE(value);
  EXPECT_EQ(*value, 3);
  Result<int> error = make_error(Errc::kNotFound, "job 7");
  EXPECT_FALSE(error);
  EXPECT_EQ(error.error().code, Errc::kNotFound);
  EXPECT_EQ(std::move(error).value_or(9), 9);
  EXPECT_EQ(std::move(value).value_or(9), 3);
}

TEST(Result, MovesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(5);
  const std::unique_ptr<int> owned = *std::move(made);
  EXPECT_EQ(*owned, 5);
}

TEST(Result, AssignPassesTheFirstErrorOn) {
  EXPECT_EQ(*quarter(12), "3");
  EXPECT_EQ(quarter(6).error().message, "odd");
  EXPECT_EQ(quarter(7).error().code, Errc::kInvalid);
}

TEST(Result, TryReturnsBeforeTheRest) {
  int calls = 0;
  EXPECT_TRUE(needs_even(2, calls));
  EXPECT_FALSE(needs_even(3, calls));
  EXPECT_EQ(calls, 1);
}

TEST(Error, ContextStandsInFront) {
  Error error = field_error("parameters.crf", "must be 0 to 63");
  error = std::move(error).within("scenario");
  EXPECT_EQ(error.message, "scenario: must be 0 to 63");
  EXPECT_EQ(error.field, "parameters.crf");
  EXPECT_EQ(error.code, Errc::kInvalidField);
}

TEST(Error, KeepsErrnoAndItsMeaning) {
  struct Row {
    int err;
    Errc code;
  };
  for (const Row row : {Row{ENOENT, Errc::kGone}, Row{ESRCH, Errc::kGone}, Row{ENODEV, Errc::kGone},
                        Row{EPERM, Errc::kDenied}, Row{EACCES, Errc::kDenied}, Row{ENOSYS, Errc::kUnsupported},
                        Row{EOPNOTSUPP, Errc::kUnsupported}, Row{EIO, Errc::kIo}, Row{ENOSPC, Errc::kIo}}) {
    const Error error = sys_error("open x", row.err);
    EXPECT_EQ(error.code, row.code) << row.err;
    EXPECT_EQ(error.sys, row.err);
  }
  EXPECT_EQ(sys_error("open x", ENOENT).message, "open x: No such file or directory");
}

TEST(Error, TakesTheCurrentErrno) {
  errno = EACCES;
  EXPECT_EQ(last_sys_error("open x").sys, EACCES);
}

}  // namespace
}  // namespace ffrtmp
