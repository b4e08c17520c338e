#include "model/locator.h"

#include <gtest/gtest.h>

namespace ffrtmp::model {
namespace {

// contract: F44
TEST(CheckPath, RefusesWhatIsNoPlainPath) {
  for (const char* path : {"", "a.mp4", "/a/../b", "/..", "-i", "/a/-i", "/a//b", "//a/b", "/a/./b", "/.", "/a/", "/",
                           "http://h/x", "/a\nb", "/a\x7f"})
    EXPECT_FALSE(check_path(path)) << path;
  EXPECT_FALSE(check_path(std::string_view("/a\0b", 4)));
  for (const char* path : {"/a", "/a/b c.mp4", "/a/..b/.c/d.", "/a/b:c"}) EXPECT_TRUE(check_path(path)) << path;
}

TEST(RelativeTo, ByWholeParts) {
  EXPECT_EQ(relative_to("/a/b/c", "/a"), "b/c");
  EXPECT_EQ(relative_to("/a/b", "/a/"), "b") << "a slash at the root's end says nothing";
  EXPECT_EQ(relative_to("/a/b", "/"), "a/b");
  EXPECT_EQ(relative_to("/ab/c", "/a"), std::nullopt) << "a root ends at a slash";
  EXPECT_EQ(relative_to("/a", "/a"), std::nullopt) << "a root is no file";
  EXPECT_EQ(relative_to("/a/", "/a"), std::nullopt);
  EXPECT_EQ(relative_to("/a/b", ""), std::nullopt);
  EXPECT_EQ(relative_to("/a/b", "rtmp://host"), std::nullopt);
}

}  // namespace
}  // namespace ffrtmp::model
