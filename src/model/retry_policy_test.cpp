#include "model/retry_policy.h"

#include <gtest/gtest.h>

namespace ffrtmp::model {
namespace {

using namespace std::chrono_literals;
using F = FailureReason;

// contract: F17
TEST(RetryPolicy, BackoffDoublesUpToFiveMinutesAndSpreads) {
  const std::chrono::seconds expected[] = {5s, 10s, 20s, 40s, 80s, 160s, 300s, 300s, 300s, 300s};
  for (int n = 1; n <= 10; ++n) {
    const std::chrono::milliseconds middle = expected[n - 1];
    EXPECT_EQ(backoff(n, 0), middle) << n;
    EXPECT_EQ(backoff(n, -1), middle * 8 / 10) << n;
    EXPECT_EQ(backoff(n, 1), middle * 12 / 10) << n;
  }
  EXPECT_EQ(backoff(1, 50), 6s) << "jitter outside [-1, 1] is cut";
}

struct Row {
  F reason;
  bool own_timeout;
  int retries;  // how often a job that allows 10 is retried
};

// contract: F18
TEST(RetryPolicy, WhatIsWorthARetry) {
  const Row rows[] = {{F::kUserError, false, 0},     {F::kInputError, false, 0},     {F::kCapabilityMismatch, false, 0},
                      {F::kNetworkError, false, 10}, {F::kPlatformError, false, 10}, {F::kResourceError, false, 10},
                      {F::kOutputError, false, 1},   {F::kTimeout, false, 10},       {F::kTimeout, true, 0},
                      {F::kRuntimeError, false, 10}, {F::kUnknown, false, 10}};
  for (const Row& row : rows) {
    int retries = 0;
    while (decide_retry(row.reason, row.own_timeout, retries, 10, 0).again) ++retries;
    EXPECT_EQ(retries, row.retries) << static_cast<int>(row.reason) << row.own_timeout;
  }
}

TEST(RetryPolicy, TheJobsOwnLimitHolds) {
  EXPECT_FALSE(decide_retry(F::kUnknown, false, 0, 0, 0).again);
  EXPECT_TRUE(decide_retry(F::kUnknown, false, 2, 3, 0).again);
  EXPECT_FALSE(decide_retry(F::kUnknown, false, 3, 3, 0).again);
  EXPECT_EQ(decide_retry(F::kUnknown, false, 2, 3, 0).delay, 20s);
  EXPECT_FALSE(decide_retry(F::kUnknown, false, 10, 99, 0).again) << "eleven attempts at most";
}

}  // namespace
}  // namespace ffrtmp::model
