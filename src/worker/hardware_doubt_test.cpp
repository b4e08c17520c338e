#include "worker/hardware_doubt.h"

#include <gtest/gtest.h>

namespace ffrtmp::worker {
namespace {

TEST(HardwareDoubt, ComesOfTwoFailuresInARow) {
  HardwareDoubt doubt;
  EXPECT_FALSE(doubt.take());
  doubt.note(false);
  EXPECT_FALSE(doubt.take()) << "one may be the job's";
  doubt.note(true);
  doubt.note(false);
  EXPECT_FALSE(doubt.take()) << "not in a row";
  doubt.note(false);
  EXPECT_TRUE(doubt.take());
  EXPECT_FALSE(doubt.take()) << "told once";
}

}  // namespace
}  // namespace ffrtmp::worker
