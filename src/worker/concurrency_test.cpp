#include "worker/concurrency.h"

#include <gtest/gtest.h>

namespace ffrtmp::worker {
namespace {

using namespace std::chrono_literals;

TEST(Concurrency, DropsByOneAndComesBackOneByOne) {
  const BootTime start{1h};
  Concurrency concurrency(3);
  EXPECT_EQ(concurrency.slots(start), 3);
  concurrency.drop(start);
  EXPECT_EQ(concurrency.slots(start), 2);
  concurrency.drop(start + 1min);
  concurrency.drop(start + 2min);
  EXPECT_EQ(concurrency.slots(start + 2min), 1) << "never none";
  EXPECT_EQ(concurrency.slots(start + 11min), 1);
  EXPECT_EQ(concurrency.slots(start + 12min), 2);
  EXPECT_EQ(concurrency.slots(start + 22min), 3);
  EXPECT_EQ(concurrency.slots(start + 10h), 3);
}

TEST(Concurrency, AKillInBetweenStartsTheWaitAgain) {
  const BootTime start{1h};
  Concurrency concurrency(2);
  concurrency.drop(start);
  concurrency.drop(start + 9min);
  EXPECT_EQ(concurrency.slots(start + 18min), 1);
  EXPECT_EQ(concurrency.slots(start + 19min), 2);
}

}  // namespace
}  // namespace ffrtmp::worker
