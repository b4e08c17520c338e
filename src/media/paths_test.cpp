#include "media/paths.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/temp_dir.h"

namespace ffrtmp::media {
namespace {

using test::TempDir;
using test::write_file;

Errc code(const std::string& path, const std::vector<std::string>& roots) {
  auto opened = open_input(path, roots);
  if (!opened) return opened.error().code;
  close(opened->fd);
  return Errc::kInternal;  // stands for: it was opened
}
constexpr Errc kOpened = Errc::kInternal;

TEST(OpenInput, RefusesWhatIsNoPlainPath) {  // contract: F44
  for (const char* path :
       {"", "a.mp4", "/a/../b", "/..", "-i", "/a/-i", "/a//b", "/a/./b", "/a/", "http://h/x", "/a\nb", "/a\x7f"}) {
    EXPECT_EQ(code(path, {"/"}), Errc::kInvalidField) << path;
    EXPECT_EQ(open_output_place(path, {"/"}).error().code, Errc::kInvalidField) << path;
  }
  EXPECT_EQ(code(std::string("/a\0b", 4), {"/"}), Errc::kInvalidField);
}

TEST(OpenInput, OnlyRegularFilesBeneathARoot) {  // contract: F44
  const TempDir dir;
  const TempDir other;
  const std::vector<std::string> roots{dir.path()};
  write_file(dir / "sub/in.mp4", "0123");
  write_file(other / "secret", "x");
  ASSERT_EQ(symlink((other / "secret").c_str(), (dir / "link").c_str()), 0);
  ASSERT_EQ(symlink(other.path().c_str(), (dir / "dirlink").c_str()), 0);
  ASSERT_EQ(symlink("sub/in.mp4", (dir / "inner").c_str()), 0);
  ASSERT_EQ(mkfifo((dir / "fifo").c_str(), 0600), 0);
  auto opened = open_input(dir / "sub/in.mp4", roots);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->path, dir / "sub/in.mp4");
  EXPECT_EQ(opened->size_bytes, 4);
  close(opened->fd);
  EXPECT_EQ(code("/etc/shadow", roots), Errc::kForbidden);
  const std::string told = open_input("/etc/shadow", roots).error().message;
  EXPECT_NE(told.find(dir.path()), std::string::npos) << told;
  EXPECT_EQ(code(other / "secret", roots), Errc::kForbidden);
  EXPECT_EQ(code(dir / "link", roots), Errc::kForbidden);
  EXPECT_EQ(code(dir / "dirlink/secret", roots), Errc::kForbidden);
  EXPECT_EQ(code(dir / "inner", roots), Errc::kForbidden) << "also a link that stays inside";
  EXPECT_EQ(code(dir / "sub/../sub/in.mp4", roots), Errc::kInvalidField);
  EXPECT_EQ(code(dir / "none", roots), Errc::kGone);
  EXPECT_EQ(code(dir / "fifo", roots), Errc::kInvalid);
  EXPECT_EQ(code(dir / "sub", roots), Errc::kInvalid);
  EXPECT_EQ(code(dir / "sub/in.mp4", {}), Errc::kForbidden);
}

TEST(OpenInput, ARootMayBeReachedThroughALink) {
  const TempDir dir;
  write_file(dir / "real/in.mp4", "0123");
  ASSERT_EQ(symlink((dir / "real").c_str(), (dir / "root").c_str()), 0);
  EXPECT_EQ(code(dir / "root/in.mp4", {dir / "root"}), kOpened);
  EXPECT_EQ(code(dir / "real/in.mp4", {dir / "root/"}), kOpened);
}

TEST(OpenOutputPlace, MakesMissingDirectories) {  // contract: F44
  const TempDir dir;
  const TempDir other;
  auto place = open_output_place(dir / "a/b/out.mp4", {dir.path()});
  ASSERT_TRUE(place) << place.error().message;
  EXPECT_EQ(place->dir, dir / "a/b");
  EXPECT_EQ(place->name, "out.mp4");
  EXPECT_TRUE(std::filesystem::is_directory(dir / "a/b"));
  close(place->dir_fd);
  auto top = open_output_place(dir / "out.mp4", {dir.path()});
  ASSERT_TRUE(top);
  EXPECT_EQ(top->dir, dir.path());
  close(top->dir_fd);
  ASSERT_EQ(symlink(other.path().c_str(), (dir / "link").c_str()), 0);
  EXPECT_EQ(open_output_place(dir / "link/out.mp4", {dir.path()}).error().code, Errc::kForbidden);
  EXPECT_EQ(open_output_place(dir / "link/new/out.mp4", {dir.path()}).error().code, Errc::kForbidden);
  EXPECT_FALSE(std::filesystem::exists(other / "new"));
  EXPECT_EQ(open_output_place("/etc/out.mp4", {dir.path()}).error().code, Errc::kForbidden);
}

}  // namespace
}  // namespace ffrtmp::media
