#include "sched/queue_key.h"

#include <gtest/gtest.h>

namespace ffrtmp::sched {
namespace {

using model::Priority;
using model::Queue;
using namespace std::chrono_literals;

constexpr UtcTime kNow{std::chrono::sys_days(std::chrono::year(2026) / 1 / 7)};

TEST(QueueKey, LevelsRunFromZeroToEight) {
  EXPECT_EQ(queue_level(Queue::kBatch, Priority::kLow), 0);
  EXPECT_EQ(queue_level(Queue::kBatch, Priority::kHigh), 2);
  EXPECT_EQ(queue_level(Queue::kDefault, Priority::kMedium), 4);
  EXPECT_EQ(queue_level(Queue::kLive, Priority::kHigh), 8);
}

TEST(QueueKey, OneLevelIsWorthOneAging) {
  const auto low = queue_key(kNow, Queue::kDefault, Priority::kLow, 300s);
  const auto medium = queue_key(kNow + 300s, Queue::kDefault, Priority::kMedium, 300s);
  EXPECT_EQ(low, medium);
}

TEST(QueueKey, AnAgingBelowASecondCounts) {
  EXPECT_EQ(queue_key(kNow, Queue::kDefault, Priority::kLow, 500ms),
            queue_key(kNow + 500ms, Queue::kDefault, Priority::kMedium, 500ms));
}

// contract: F28
TEST(QueueKey, EightLevelsAreFortyMinutes) {
  const auto fresh = queue_key(kNow, Queue::kLive, Priority::kHigh, 300s);
  EXPECT_LT(queue_key(kNow - 41min, Queue::kBatch, Priority::kLow, 300s), fresh);
  EXPECT_GT(queue_key(kNow - 39min, Queue::kBatch, Priority::kLow, 300s), fresh);
}

}  // namespace
}  // namespace ffrtmp::sched
