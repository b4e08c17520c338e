#include "base/fault.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>

namespace ffrtmp::fault {
namespace {

class Fault : public ::testing::Test {
 protected:
  ~Fault() override { (void)arm("").has_value(); }
};

TEST_F(Fault, IsInertWhenNothingIsArmed) { EXPECT_EQ(next("store"), 0); }

TEST_F(Fault, BreaksOnlyTheNamedOperationForGood) {
  ASSERT_TRUE(arm("store:EIO"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(next("store"), EIO);
  EXPECT_EQ(next("spool"), 0);
}

TEST_F(Fault, BreaksTheFirstTimes) {
  ASSERT_TRUE(arm("store:EIO:2, spool:ENOSPC:1"));
  EXPECT_EQ(next("store"), EIO);
  EXPECT_EQ(next("store"), EIO);
  EXPECT_EQ(next("store"), 0);
  EXPECT_EQ(next("spool"), ENOSPC);
  EXPECT_EQ(next("spool"), 0);
}

TEST_F(Fault, OneOperationMayBreakInTurns) {
  ASSERT_TRUE(arm("store:EIO:1,store:ENOSPC:1"));
  EXPECT_EQ(next("store"), EIO);
  EXPECT_EQ(next("store"), ENOSPC);
  EXPECT_EQ(next("store"), 0);
}

TEST_F(Fault, AnotherArmReplacesTheFirst) {
  ASSERT_TRUE(arm("store:EIO"));
  ASSERT_TRUE(arm("spool:EIO"));
  EXPECT_EQ(next("store"), 0);
  ASSERT_TRUE(arm(""));
  EXPECT_EQ(next("spool"), 0);
}

TEST_F(Fault, RefusesWhatIsNoFault) {
  for (const auto* bad : {"store", "store:", "store:EWHAT", "store:5", "store:EIO:1:2", "store:EIO,x", "store:EIO:many"}) {
    const auto got = arm(bad);
    ASSERT_FALSE(got) << bad;
    EXPECT_EQ(got.error().code, Errc::kInvalid) << bad;
  }
}

TEST_F(Fault, ReadsTheEnvironment) {
  setenv("FFRTMP_FAULT", "store:EROFS:1", 1);
  ASSERT_TRUE(arm_from_environment());
  unsetenv("FFRTMP_FAULT");
  EXPECT_EQ(next("store"), EROFS);
  ASSERT_TRUE(arm_from_environment());
  EXPECT_EQ(next("store"), 0);
}

}  // namespace
}  // namespace ffrtmp::fault
