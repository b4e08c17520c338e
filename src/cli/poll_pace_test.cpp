#include "cli/poll_pace.h"

#include <gtest/gtest.h>

namespace ffrtmp::cli {
namespace {

using namespace std::chrono_literals;

TEST(PollPace, IsAHundredthOfThePresentPhase) {
  PollPace pace;
  const PollPace::Time begin{};
  EXPECT_EQ(pace.pause(begin, std::nullopt), 30ms) << "queued";
  EXPECT_EQ(pace.pause(begin + 5s, std::nullopt), 50ms);
  EXPECT_EQ(pace.pause(begin + 6s, model::Phase::kRunning), 30ms);
  EXPECT_EQ(pace.pause(begin + 17s, model::Phase::kRunning), 110ms);
  EXPECT_EQ(pace.pause(begin + 3600s, model::Phase::kRunning), 400ms);
  EXPECT_EQ(pace.pause(begin + 3601s, model::Phase::kVerifying), 30ms) << "the end is near";
}

}  // namespace
}  // namespace ffrtmp::cli
