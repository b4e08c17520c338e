#include "worker/retry.h"

#include <gtest/gtest.h>

#include <set>

namespace ffrtmp::worker {
namespace {

using namespace std::chrono_literals;

TEST(RetryPause, DoublesUpToThirtySecondsAndSpreads) {
  const std::chrono::milliseconds expected[] = {1s, 2s, 4s, 8s, 16s, 30s, 30s};
  for (int tries = 0; tries < 7; ++tries) {
    std::set<std::int64_t> seen;
    for (int i = 0; i < 500; ++i) {
      const auto pause = retry_pause(tries);
      EXPECT_GE(pause, expected[tries] * 8 / 10) << tries;
      EXPECT_LE(pause, expected[tries] * 12 / 10) << tries;
      seen.insert(pause.count());
    }
    EXPECT_GT(seen.size(), 50U) << "a fleet must not come back in step";
    EXPECT_LT(*seen.begin(), expected[tries].count());
    EXPECT_GT(*seen.rbegin(), expected[tries].count());
  }
}

TEST(AnotherTry, NotForAnAnswer) {
  for (const Errc code : {Errc::kUnavailable, Errc::kTimeout, Errc::kStoreUnavailable, Errc::kInternal, Errc::kIo,
                          Errc::kTooManyRequests, Errc::kUnauthorized})
    EXPECT_TRUE(is_worth_another_try(code)) << wire_name(code);
  for (const Errc code : {Errc::kInvalid, Errc::kForbidden, Errc::kNotFound, Errc::kStaleAttempt, Errc::kResultConflict,
                          Errc::kTooLarge, Errc::kInvalidField, Errc::kSuperseded})
    EXPECT_FALSE(is_worth_another_try(code)) << wire_name(code);
}

TEST(RetryPause, StaysAtItsLongest) {
  for (const int tries : {20, 31, 64, 1 << 30}) EXPECT_LE(retry_pause(tries), 36s) << tries;
}

}  // namespace
}  // namespace ffrtmp::worker
