#include "base/ids.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

namespace ffrtmp {
namespace {

using namespace std::chrono_literals;

// The example of RFC 9562, appendix A.6: Tuesday, February 22, 2022 2:22:22.00 PM GMT-05:00.
TEST(Ids, LaysOutTheExampleOfTheRfc) {
  const std::array<std::uint8_t, 10> random{0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f};
  EXPECT_EQ(make_uuid7(UtcTime(1'645'557'742'000ms), random).str(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

TEST(Ids, VersionAndVariantWinOverTheRandomBits) {
  std::array<std::uint8_t, 10> ones{};
  ones.fill(0xff);
  EXPECT_EQ(make_uuid7(UtcTime{}, ones).str(), "00000000-0000-7fff-bfff-ffffffffffff");
  EXPECT_EQ(make_uuid7(UtcTime{}, {}).str(), "00000000-0000-7000-8000-000000000000");
}

TEST(Ids, LaterOnesSortAfterEarlierOnes) {
  std::array<std::uint8_t, 10> ones{};
  ones.fill(0xff);
  const Uuid earlier = make_uuid7(UtcTime(1'767'781'230'255ms), ones);
  const Uuid later = make_uuid7(UtcTime(1'767'781'230'256ms), {});
  EXPECT_LT(earlier, later);
  EXPECT_LT(earlier.str(), later.str());
}

TEST(Ids, ReadsItsOwnTextInEitherCase) {
  const auto lower = parse_uuid("017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  const auto upper = parse_uuid("017F22E2-79B0-7CC3-98C4-DC0C0C07398F");
  ASSERT_TRUE(lower);
  ASSERT_TRUE(upper);
  EXPECT_EQ(*lower, *upper);
  EXPECT_EQ(upper->str(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

TEST(Ids, RefusesEverythingElse) {
  for (const auto* bad :
       {"", "017f22e2", "017f22e279b07cc398c4dc0c0c07398f", "{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g", "017f22e27-9b0-7cc3-98c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-98c4_dc0c0c07398f", "017f22e2-79b0-7cc3-98c4--c0c0c07398f"}) {
    const auto got = parse_uuid(bad);
    ASSERT_FALSE(got) << bad;
    EXPECT_EQ(got.error().code, Errc::kInvalid) << bad;
  }
}

TEST(Ids, OnlyZerosAreNil) {
  EXPECT_TRUE(Uuid{}.is_nil());
  EXPECT_FALSE(make_uuid7(UtcTime{}, {}).is_nil());
}

TEST(Ids, ThreadsNeverGetTheSameOne) {
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kEach = 1000;  // many refills of the pool
  RandomIds ids;
  std::vector<std::vector<Uuid>> made(kThreads);
  std::vector<std::thread> threads;
  for (auto& mine : made)
    threads.emplace_back([&ids, &mine] {
      for (std::size_t i = 0; i < kEach; ++i) mine.push_back(ids.next(UtcTime{}));
    });
  for (auto& thread : threads) thread.join();
  std::set<Uuid> all;
  for (const auto& mine : made) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), kThreads * kEach);
}

}  // namespace
}  // namespace ffrtmp
