#include "base/fault.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

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
  for (const auto* bad :
       {"store", "store:", "store:EWHAT", "store:5", "store:EIO:1:2", "store:EIO,x", "store:EIO:many"}) {
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

TEST_F(Fault, NamesTheOperationThatFails) {
  ASSERT_TRUE(arm("move:EBUSY:1"));
  const Status broken = check("move", "12");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().sys, EBUSY);
  EXPECT_TRUE(broken.error().message.starts_with("move 12"));
  EXPECT_TRUE(check("move", "12"));
}

TEST_F(Fault, StallsOnlyTheNamedOperation) {
  ASSERT_TRUE(arm("scan:STALL"));
  EXPECT_EQ(next("move"), 0);
  const pid_t child = fork();
  if (child == 0) {
    alarm(1);
    _exit(next("scan"));
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
}

}  // namespace
}  // namespace ffrtmp::fault
