#include "master/waiting.h"

#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"

namespace ffrtmp::master {
namespace {

class WaitingPolls : public testing::Test {
 protected:
  std::int64_t add(const Uuid& node, bool is_claim) {
    return waiting_.add({0, node, is_claim, [] {}, [] {}, connection_});
  }

  std::shared_ptr<const void> connection_ = std::make_shared<int>(0);
  Waiting waiting_;
  test::SeededIds ids_;
  const Uuid a_ = ids_.next(UtcTime{});
  const Uuid b_ = ids_.next(UtcTime{});
};

TEST_F(WaitingPolls, EachIsTakenOnce) {
  const auto ticket = add(a_, true);
  const auto taken = waiting_.take(ticket);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->node_id, a_);
  EXPECT_EQ(taken->ticket, ticket);
  EXPECT_FALSE(waiting_.take(ticket)) << "its timer comes too late";
  EXPECT_FALSE(waiting_.take(ticket + 1));
  EXPECT_EQ(waiting_.size(), 0U);
  EXPECT_NE(add(a_, true), ticket) << "a ticket is not used again";
}

TEST_F(WaitingPolls, TheLongestWaitingClaimThatFits) {
  add(b_, false);
  const auto first = add(a_, true);
  const auto second = add(b_, true);
  const auto third = add(b_, true);
  const auto any = [](const Uuid&) { return true; };
  const auto only_b = [&](const Uuid& node) { return node == b_; };
  EXPECT_EQ(waiting_.take_claim(only_b)->ticket, second);
  EXPECT_EQ(waiting_.take_claim(any)->ticket, first);
  EXPECT_EQ(waiting_.take_claim(any)->ticket, third);
  EXPECT_FALSE(waiting_.take_claim(any)) << "a heartbeat is no claim";
  EXPECT_EQ(waiting_.size(), 1U);
}

TEST_F(WaitingPolls, AClaimWithoutAConnectionGetsNothing) {
  add(a_, true);
  connection_ = std::make_shared<int>(1);
  const auto living = add(b_, true);
  EXPECT_EQ(waiting_.claim_tickets(), (std::vector{living}));
  EXPECT_EQ(waiting_.take_claim([](const Uuid&) { return true; })->ticket, living);
  EXPECT_FALSE(waiting_.take_claim([](const Uuid&) { return true; }));
}

TEST_F(WaitingPolls, ListsByNodeAndByKind) {
  const auto heartbeat = add(a_, false);
  const auto claim = add(a_, true);
  const auto other = add(b_, true);
  EXPECT_EQ(waiting_.tickets_of(a_), (std::vector{heartbeat, claim}));
  EXPECT_EQ(waiting_.tickets_of(b_), (std::vector{other}));
  EXPECT_EQ(waiting_.claim_tickets(), (std::vector{claim, other}));
  (void)waiting_.take(claim);
  EXPECT_EQ(waiting_.tickets_of(a_), (std::vector{heartbeat}));
  EXPECT_EQ(waiting_.claim_tickets(), (std::vector{other}));
}

}  // namespace
}  // namespace ffrtmp::master
