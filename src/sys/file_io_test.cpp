#include "sys/file_io.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "sys/unix_socket.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::sys {
namespace {

using namespace std::chrono_literals;

TEST(File, AFileOfSomebodyElseIsNoWayToReplace) {
  const test::TempDir dir;
  const std::string path = dir / "file";
  test::write_file(path, "one");
  test::write_file(dir / "theirs", "theirs");
  EXPECT_EQ(write_atomic(path, dir / "theirs", "two", 0600, Sync::kYes).error().sys, EEXIST);
  EXPECT_EQ(test::read_file(dir / "theirs"), "theirs");
  EXPECT_EQ(test::read_file(path), "one");
  ASSERT_TRUE(write_atomic(path, dir / "own", "two", 0600, Sync::kYes));
  EXPECT_EQ(test::read_file(path), "two");
  EXPECT_NE(access((dir / "own").c_str(), F_OK), 0);
}

TEST(File, ReplacesAtomicallyWithItsMode) {
  const test::TempDir dir;
  const std::string path = dir / "file";
  ASSERT_TRUE(write_atomic(path, "one", 0600, Sync::kYes));
  ASSERT_TRUE(write_atomic(path, "two", 0600, Sync::kNo));
  EXPECT_EQ(read_text(path).value(), "two");
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
  EXPECT_EQ(write_atomic(dir / "none/file", "x", 0600, Sync::kNo).error().code, Errc::kGone);
}

TEST(File, FollowsNoPlantedLink) {
  const test::TempDir dir;
  std::filesystem::create_symlink("/dev/full", dir / "file.tmp");
  const auto status = write_atomic(dir / "file", "text", 0600, Sync::kNo);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().sys, ELOOP);
}

TEST(File, ReadsExactly) {
  const test::TempDir dir;
  test::write_file(dir / "file", "0123456789");
  EXPECT_EQ(read_text(dir / "file", 9).error().code, Errc::kTooLarge);
  EXPECT_EQ(read_text(dir / "none").error().code, Errc::kGone);
  const auto fd = open_file(dir / "file", O_RDONLY);
  ASSERT_TRUE(fd);
  EXPECT_EQ(read_at(fd->get(), 4, 3).value(), "3456");
  EXPECT_EQ(read_at(fd->get(), 100, 8).value(), "89");
}

TEST(File, MakesMissingParents) {
  const test::TempDir dir;
  ASSERT_TRUE(make_directories(dir / "a/b/c", 0700));
  ASSERT_TRUE(make_directories(dir / "a/b/c", 0700));
  EXPECT_TRUE(std::filesystem::is_directory(dir / "a/b/c"));
  test::write_file(dir / "file", "");
  EXPECT_FALSE(make_directories(dir / "file/x", 0700));
}

TEST(UnixSocket, TalksAlsoOverALongPath) {
  const test::TempDir dir;
  const std::string folder = dir / std::string(150, 'x');
  ASSERT_TRUE(make_directories(folder, 0700));
  for (const std::string& path : {dir / "s.sock", folder + "/s.sock"}) {
    const auto listener = listen_unix(Host::real(), path);
    ASSERT_TRUE(listener) << listener.error().message;
    EXPECT_EQ(accept_unix(*listener).error().code, Errc::kTimeout);
    const auto client = connect_unix(Host::real(), path);
    ASSERT_TRUE(client) << client.error().message;
    auto server = accept_unix(*listener);
    ASSERT_TRUE(server);
    ASSERT_TRUE(send_message(*client, "one"));
    ASSERT_TRUE(send_message(*client, "two"));
    EXPECT_EQ(receive_message(*server, 1s, 100).value(), "one");  // messages keep their bounds
    EXPECT_EQ(receive_message(*server, 1s, 2).error().code, Errc::kTooLarge);
    EXPECT_EQ(receive_message(*server, 0ms, 100).error().code, Errc::kTimeout);
    server->reset();
    EXPECT_EQ(receive_message(*client, 1s, 100).error().code, Errc::kUnavailable);
    EXPECT_EQ(send_message(*client, "x").error().code, Errc::kUnavailable);
  }
  EXPECT_EQ(connect_unix(Host::real(), dir / "s.sock").error().code, Errc::kGone);  // a file nobody listens on
  EXPECT_EQ(connect_unix(Host::real(), dir / "none").error().code, Errc::kGone);
}

}  // namespace
}  // namespace ffrtmp::sys
