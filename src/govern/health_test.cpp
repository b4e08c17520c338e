#include "govern/health.h"

#include <gtest/gtest.h>

namespace ffrtmp::govern {
namespace {

using namespace std::chrono_literals;

// contract: G38
TEST(DecideHealth, Rows) {
  HealthSettings settings;
  settings.max_scan_age = 2min;
  const BootTime start{1h};
  const auto state = [&](int scans, int attaches, nanoseconds age = 0s) {
    return decide_health({scans, attaches, start}, settings, start + age);
  };
  EXPECT_EQ(state(0, 0), HealthState::kHealthy);
  EXPECT_EQ(state(2, 9), HealthState::kHealthy);
  EXPECT_EQ(state(3, 0), HealthState::kDegraded) << "half of five, rounded up";
  EXPECT_EQ(state(4, 0), HealthState::kDegraded);
  EXPECT_EQ(state(5, 0), HealthState::kUnhealthy);
  EXPECT_EQ(state(0, 10), HealthState::kDegraded);
  EXPECT_EQ(state(0, 1000), HealthState::kDegraded) << "attaches alone make nothing unhealthy";
  EXPECT_EQ(state(0, 0, 2min), HealthState::kHealthy);
  EXPECT_EQ(state(0, 0, 2min + 1ns), HealthState::kUnhealthy);
  settings.max_scan_failures = 1;
  EXPECT_EQ(state(1, 0), HealthState::kUnhealthy);
}

}  // namespace
}  // namespace ffrtmp::govern
