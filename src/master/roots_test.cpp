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

}  // namespace
}  // namespace ffrtmp::master
