#include "master/roots.h"

#include <gtest/gtest.h>

namespace ffrtmp::master {
namespace {

// contract: F44
TEST(Roots, OnlyWhatLiesBeneath) {
  const std::vector<std::string> roots{"/media", "/home/ann/in"};
  for (const char* path : {"/media/a.mp4", "/media/x/y/z", "/home/ann/in/a"})
    EXPECT_TRUE(is_beneath(path, roots)) << path;
  for (const char* path : {"/media", "/media2/a.mp4", "/mediax", "/home/ann", "/home/ann/input/a", "/", "",
                           "media/a.mp4", "/etc/shadow", "/x/media/a.mp4"})
    EXPECT_FALSE(is_beneath(path, roots)) << path;
  EXPECT_FALSE(is_beneath("/media/a.mp4", {}));
  EXPECT_TRUE(is_beneath("/media/a.mp4", {"/media/"})) << "as the worker reads it";
  EXPECT_TRUE(is_beneath("/etc/shadow", {"/"})) << "whoever lists the root means it";
}

TEST(Roots, AreToldToAPerson) {
  EXPECT_EQ(shown_roots({"/out", "/in", "live.example.org:1935"}), "/in, /out");
  EXPECT_EQ(shown_roots({"/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8"}), "/1, /2, /3, /4, /5, /6, /7, /8");
  EXPECT_EQ(shown_roots({"/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9"}), "/1, /2, /3, /4, /5, /6, /7, /8, …");
  EXPECT_EQ(shown_roots({}), "");
}

}  // namespace
}  // namespace ffrtmp::master
