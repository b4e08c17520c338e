#include "govern/retry.h"

#include <gtest/gtest.h>

namespace ffrtmp::govern {
namespace {

using namespace std::chrono_literals;

RetrySettings enabled(int attempts = 3) {
  RetrySettings settings;
  settings.enabled = true;
  settings.max_attempts = attempts;
  return settings;
}

// contract: G36
TEST(DecideRetry, DoublesAndEnds) {
  const auto settings = enabled();
  EXPECT_EQ(decide_retry(settings, 1, ErrorClass::kTransient, 1.0).delay, 1s);
  EXPECT_EQ(decide_retry(settings, 2, ErrorClass::kTransient, 1.0).delay, 2s);
  EXPECT_EQ(decide_retry(settings, 3, ErrorClass::kTransient, 1.0).delay, 4s);
  EXPECT_EQ(decide_retry(settings, 4, ErrorClass::kTransient, 1.0).delay, std::nullopt);
  EXPECT_EQ(decide_retry(settings, 4, ErrorClass::kTransient, 1.0).reason, "exhausted");
}

TEST(DecideRetry, JitterStaysAroundTheWait) {
  EXPECT_EQ(decide_retry(enabled(), 1, ErrorClass::kUnknown, 0.9).delay, 900ms);
  EXPECT_EQ(decide_retry(enabled(), 1, ErrorClass::kUnknown, 1.1).delay, 1100ms);
}

TEST(DecideRetry, LateWaitsAreClampedAndNeverNegative) {
  auto settings = enabled(20);
  settings.multiplier = 10;
  EXPECT_EQ(decide_retry(settings, 20, ErrorClass::kTransient, 1.0).delay, 5min);
  settings.max_backoff = std::chrono::hours(24 * 365 * 100);
  EXPECT_GT(decide_retry(settings, 20, ErrorClass::kTransient, 1.1).delay, 0s);
}

// contract: G37
TEST(DecideRetry, PermanentAndDisabledAreDeadAtOnce) {
  EXPECT_EQ(decide_retry(enabled(), 1, ErrorClass::kPermanent, 1.0).reason, "permanent");
  EXPECT_EQ(decide_retry(RetrySettings{}, 1, ErrorClass::kTransient, 1.0).reason, "retry_disabled");
  for (const auto error_class : {ErrorClass::kResource, ErrorClass::kRateLimit, ErrorClass::kUnknown})
    EXPECT_TRUE(decide_retry(enabled(), 1, error_class, 1.0).delay);
}

}  // namespace
}  // namespace ffrtmp::govern
