#include "sys/user_names.h"

#include <gtest/gtest.h>

namespace ffrtmp::sys {
namespace {

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

}  // namespace
}  // namespace ffrtmp::sys
