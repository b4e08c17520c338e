#include "sys/user_names.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>

namespace ffrtmp::sys {
namespace {

using namespace std::chrono_literals;

TEST(FindPasswdName, Rows) {
  constexpr std::string_view kText = "root:x:0:0:root:/root:/bin/sh\nbroken\n:x:7:7\nmedia:x:1001:5::/:\n";
  EXPECT_EQ(find_passwd_name(kText, 0), "root");
  EXPECT_EQ(find_passwd_name(kText, 1001), "media");
  EXPECT_EQ(find_passwd_name(kText, 7), std::nullopt);
  EXPECT_EQ(find_passwd_name("", 0), std::nullopt);
}

TEST(UserNames, KnowsRootAndTellsTheNumberOfANobody) {
  UserNames names(std::chrono::seconds(60), std::chrono::seconds(5));
  EXPECT_EQ(names.name_of(0), "root");
  EXPECT_EQ(names.name_of(0), "root");
  EXPECT_EQ(names.name_of(3'999'999'999u), "uid:3999999999");
}

// Twenty users of a directory that does not answer cost one patience, not twenty. Once it answers its word counts.
TEST(UserNames, ASlowServiceIsWaitedForOnce) {
  constexpr auto kPatience = 200ms;
  const auto answers = std::make_shared<std::promise<void>>();
  const auto ask = [answered = answers->get_future().share()](uid_t uid) {
    answered.wait();
    return "user-" + std::to_string(uid);
  };
  UserNames names(60s, kPatience, ask);
  const auto start = std::chrono::steady_clock::now();
  for (uid_t uid = 3'900'000'000u; uid < 3'900'000'020u; ++uid)
    EXPECT_EQ(names.name_of(uid), "uid:" + std::to_string(uid));
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took, kPatience);
  EXPECT_LT(took, 5 * kPatience);
  answers->set_value();
  const auto until = std::chrono::steady_clock::now() + 30s;
  while (names.name_of(3'900'000'007u) != "user-3900000007" && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(1ms);
  EXPECT_EQ(names.name_of(3'900'000'007u), "user-3900000007");
}

}  // namespace
}  // namespace ffrtmp::sys
