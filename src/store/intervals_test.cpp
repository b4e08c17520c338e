#include <gtest/gtest.h>

#include "store/live.h"

namespace ffrtmp::store {
namespace {

using namespace std::chrono_literals;

TEST(Intervals, DefaultsAreTheContracts) {
  const Intervals i = intervals_for(30s, 90s, 90s);
  EXPECT_EQ(i.renew, 15s);
  EXPECT_EQ(i.fence, 80s);
  const Intervals defaults;
  EXPECT_EQ(defaults.renew, i.renew);
  EXPECT_EQ(defaults.fence, i.fence);
  EXPECT_TRUE(check_intervals(i));
}

TEST(Intervals, TheMarginIsTenSecondsAndLessForShortLeases) {
  EXPECT_EQ(intervals_for(30s, 600s, 600s).fence, 590s);
  EXPECT_EQ(intervals_for(1s, 9s, 9s).fence, 8s);
  for (const auto lease : {900ms, 3000ms, 9000ms, 20000ms, 90000ms, 600000ms})
    EXPECT_TRUE(check_intervals(intervals_for(lease / 3, lease, lease))) << lease.count();
}

TEST(Intervals, EachBrokenPartIsNamed) {
  struct Row {
    Intervals intervals;
    const char* law;
  };
  const Intervals good;
  Row rows[] = {{good, "3 * renew <= fence"},
                {good, "fence < lease"},
                {good, "lease <= offline"},
                {good, "3 * heartbeat <= offline"},
                {good, "heartbeat, renew > 0"}};
  rows[0].intervals.renew = 27s;
  rows[1].intervals.fence = 90s;
  rows[2].intervals.lease = 91s;
  rows[3].intervals.heartbeat = 31s;
  rows[4].intervals.renew = 0s;
  for (const Row& row : rows) {
    const Status status = check_intervals(row.intervals);
    ASSERT_FALSE(status) << row.law;
    EXPECT_EQ(status.error().code, Errc::kInvalid);
    EXPECT_NE(status.error().message.find(row.law), std::string::npos) << status.error().message;
  }
}

}  // namespace
}  // namespace ffrtmp::store
