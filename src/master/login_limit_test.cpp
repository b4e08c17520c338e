#include "master/login_limit.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace ffrtmp::master {
namespace {

using namespace std::chrono_literals;

constexpr BootTime kStart{1000h};

TEST(LoginLimit, TenFailuresAMinute) {
  LoginLimit limit({});
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(limit.wait("10.0.0.1", kStart + i * 1s)) << i;
    limit.failed("10.0.0.1", kStart + i * 1s);
  }
  EXPECT_EQ(limit.wait("10.0.0.1", kStart + 9s), 51s) << "until the first of the ten is a minute old";
  EXPECT_EQ(limit.wait("10.0.0.1", kStart + 59s + 1ms), 1s) << "never 0: a client would come back at once";
  EXPECT_FALSE(limit.wait("10.0.0.1", kStart + 60s));
  EXPECT_FALSE(limit.wait("10.0.0.2", kStart + 9s)) << "another peer is not held up";
}

TEST(LoginLimit, TheWindowMoves) {
  LoginLimit limit({3, 60s, 100});
  for (const auto at : {0s, 20s, 40s}) limit.failed("p", kStart + at);
  EXPECT_EQ(limit.wait("p", kStart + 40s), 20s);
  EXPECT_FALSE(limit.wait("p", kStart + 60s));
  limit.failed("p", kStart + 60s);
  EXPECT_EQ(limit.wait("p", kStart + 60s), 20s) << "20, 40 and 60 s stand in one minute";
  EXPECT_FALSE(limit.wait("p", kStart + 1000s)) << "old failures count no more";
  limit.failed("p", kStart + 1000s);
  EXPECT_FALSE(limit.wait("p", kStart + 1000s));
}

TEST(LoginLimit, MemoryIsBounded) {
  LoginLimit limit({2, 60s, 100});
  limit.failed("first", kStart);
  limit.failed("first", kStart);
  for (int i = 0; i < 50; ++i) limit.failed(cat("10.0.0.", i), kStart + 1s);
  EXPECT_TRUE(limit.wait("first", kStart + 1s));
  limit.failed("first", kStart + 1s);  // the latest again: it stays longest
  for (int i = 0; i < 99; ++i) limit.failed(cat("10.0.1.", i), kStart + 2s);
  EXPECT_EQ(limit.peers(), 100U);
  EXPECT_TRUE(limit.wait("first", kStart + 2s));
  limit.failed("one more", kStart + 2s);
  EXPECT_EQ(limit.peers(), 100U);
  EXPECT_FALSE(limit.wait("first", kStart + 2s)) << "the one that failed longest ago is forgotten";
}

TEST(LoginLimit, ANetworkOfIpv6IsOnePeer) {
  EXPECT_EQ(login_peer("2001:db8:1:2::1"), login_peer("2001:db8:1:2:ffff::7"));
  EXPECT_NE(login_peer("2001:db8:1:2::1"), login_peer("2001:db8:1:3::1"));
  EXPECT_NE(login_peer("10.0.0.1"), login_peer("10.0.0.2"));
  EXPECT_NE(login_peer("::ffff:10.0.0.1"), login_peer("::ffff:10.0.0.2")) << "IPv4 in IPv6's clothes";
  EXPECT_EQ(login_peer(""), "");
}

TEST(LoginLimit, NoneIsNone) {
  LoginLimit limit({0, 60s, 100});
  for (int i = 0; i < 100; ++i) limit.failed("p", kStart);
  EXPECT_FALSE(limit.wait("p", kStart));
  EXPECT_EQ(limit.peers(), 0U);
}

}  // namespace
}  // namespace ffrtmp::master
