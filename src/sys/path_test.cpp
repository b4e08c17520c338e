#include "sys/path.h"

#include <gtest/gtest.h>

namespace ffrtmp::sys {
namespace {

// contract: G20
TEST(IsAtOrBelow, ComparesWholeComponents) {
  EXPECT_TRUE(is_at_or_below("/data", "/data"));
  EXPECT_TRUE(is_at_or_below("/data/x", "/data"));
  EXPECT_TRUE(is_at_or_below("/data/x", "/data/"));
  EXPECT_FALSE(is_at_or_below("/database", "/data"));
  EXPECT_FALSE(is_at_or_below("/data", "/data/x"));
  EXPECT_TRUE(is_at_or_below("/data", "/"));
  EXPECT_TRUE(is_at_or_below("/", "/"));
  EXPECT_FALSE(is_at_or_below("(unreachable)/data", "/"));
  EXPECT_FALSE(is_at_or_below("", "/data"));
}

}  // namespace
}  // namespace ffrtmp::sys
