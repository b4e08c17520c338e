#include "supervisor/watchdog.h"

#include <gtest/gtest.h>

namespace ffrtmp::supervisor {
namespace {

using namespace std::chrono_literals;
using Verdict = Watchdog::Verdict;

const BootTime kStart = BootTime(1h);
BootTime at(std::chrono::milliseconds after) { return kStart + after; }

TEST(Watchdog, NothingAsked) {
  Watchdog dog({}, std::nullopt, kStart);
  EXPECT_EQ(dog.judge(at(100h)), Verdict::kFine);
  EXPECT_EQ(dog.next_judgement(at(1s)), std::nullopt);
}

// contract: F20
TEST(Watchdog, StallNeedsBothStandStillAndNoCpu) {
  Watchdog dog({.stall = 120s}, std::nullopt, kStart);
  EXPECT_EQ(dog.next_judgement(kStart), at(120s));
  dog.note_advance("frame=1;", at(10s));
  dog.note_advance("frame=1;", at(100s));  // repeated blocks are no advance
  EXPECT_EQ(dog.judge(at(129s)), Verdict::kFine);
  dog.note_cpu(100s, at(129s));  // an encoder that thinks
  EXPECT_EQ(dog.judge(at(248s)), Verdict::kFine);
  dog.note_cpu(100s + 20ms, at(248s));  // threads that poll: 0.02 %
  EXPECT_EQ(dog.judge(at(249s)), Verdict::kStalled);
}

TEST(Watchdog, StarvedIsNotStalled) {
  Watchdog dog({.stall = 120s}, std::nullopt, kStart);
  for (int second = 1; second <= 1000; ++second) {
    dog.note_cpu(second * 10ms, at(second * 1s));  // 1 % of a core
    ASSERT_EQ(dog.judge(at(second * 1s)), Verdict::kFine) << second;
  }
}

TEST(Watchdog, FrozenTimeCountsNeitherForStallNorDeadline) {
  Watchdog dog({.stall = 10s, .deadline = 60s}, std::nullopt, kStart);
  dog.note_frozen(true, at(9s));
  EXPECT_EQ(dog.judge(at(1h)), Verdict::kFine);
  EXPECT_EQ(dog.next_judgement(at(1h)), std::nullopt);
  dog.note_frozen(false, at(1h));
  EXPECT_EQ(dog.judge(at(1h + 999ms)), Verdict::kFine);
  EXPECT_EQ(dog.judge(at(1h + 1s)), Verdict::kStalled);
  dog.note_advance("frame=2;", at(1h + 1s));
  EXPECT_EQ(dog.next_judgement(at(1h + 1s)), at(1h + 11s));
  for (int second = 2; second <= 50; ++second) dog.note_advance(std::to_string(second), at(1h + second * 1s));
  EXPECT_EQ(dog.judge(at(1h + 50s)), Verdict::kFine);
  dog.note_advance("frame=3;", at(1h + 51s));
  EXPECT_EQ(dog.judge(at(1h + 51s)), Verdict::kPastDeadline);
}

TEST(Watchdog, FileJobIsFrozenAtTheFenceAndEndedLater) {
  Watchdog dog({.frozen = 600s}, at(80s), kStart);
  EXPECT_EQ(dog.next_judgement(kStart), at(80s));
  EXPECT_EQ(dog.judge(at(79999ms)), Verdict::kFine);
  dog.set_fence(at(90s), at(79s));
  EXPECT_EQ(dog.judge(at(80s)), Verdict::kFine);
  EXPECT_EQ(dog.judge(at(91s)), Verdict::kFreeze);
  dog.note_frozen(true, at(91s));
  EXPECT_TRUE(dog.is_fenced());
  dog.set_fence(at(85s), at(92s));  // a late renewal that is over already
  EXPECT_TRUE(dog.is_fenced());
  EXPECT_EQ(dog.next_judgement(at(92s)), at(691s));
  EXPECT_EQ(dog.judge(at(690s)), Verdict::kFine);
  EXPECT_EQ(dog.judge(at(691s)), Verdict::kFenced);
  dog.set_fence(at(1000s), at(690s));
  EXPECT_FALSE(dog.is_fenced());
}

TEST(Watchdog, WhatRunsOnBehindTheFenceIsEnded) {
  Watchdog dog({.stop = 5s, .frozen = 600s}, at(80s), kStart);
  EXPECT_EQ(dog.judge(at(80s)), Verdict::kFreeze);
  dog.note_frozen(false, at(80s));  // it could not be frozen
  EXPECT_EQ(dog.next_judgement(at(80s)), at(85s));
  EXPECT_EQ(dog.judge(at(84s)), Verdict::kFine);
  EXPECT_EQ(dog.judge(at(85s)), Verdict::kFenced);
  dog.note_frozen(true, at(85s));
  EXPECT_EQ(dog.judge(at(86s)), Verdict::kFine) << "late, but still";
  EXPECT_EQ(dog.next_judgement(at(86s)), at(680s));
}

TEST(Watchdog, LiveJobIsEndedAtTheFence) {
  Watchdog dog({.frozen = 600s, .live_output = true}, at(80s), kStart);
  EXPECT_EQ(dog.judge(at(80s)), Verdict::kFenced);
}

}  // namespace
}  // namespace ffrtmp::supervisor
