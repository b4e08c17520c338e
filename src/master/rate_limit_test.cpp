#include "master/rate_limit.h"

#include <gtest/gtest.h>

namespace ffrtmp::master {
namespace {

using namespace std::chrono_literals;

TEST(RateLimit, ABurstThenTheRate) {
  RateLimit limit({10, 20});
  const BootTime start{1h};
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(limit.take("a", start)) << i;
  EXPECT_EQ(limit.take("a", start), 1s) << "told in whole seconds";
  EXPECT_FALSE(limit.take("b", start)) << "each caller has its own";
  EXPECT_FALSE(limit.take("a", start + 100ms)) << "one token in a tenth of a second";
  EXPECT_TRUE(limit.take("a", start + 100ms));
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(limit.take("a", start + 1h)) << i;
  EXPECT_TRUE(limit.take("a", start + 1h)) << "never more than the burst";
}

TEST(RateLimit, ASlowRateSaysHowLong) {
  RateLimit limit({0.25, 1});
  EXPECT_FALSE(limit.take("a", BootTime{1h}));
  EXPECT_EQ(limit.take("a", BootTime{1h}), 4s);
  EXPECT_EQ(limit.take("a", BootTime{1h} + 3s), 1s);
}

TEST(RateLimit, ZeroIsNone) {
  RateLimit limit({0, 0});
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(limit.take("a", BootTime{1h}));
}

}  // namespace
}  // namespace ffrtmp::master
