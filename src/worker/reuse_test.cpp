#include "worker/reuse.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/support/temp_dir.h"

namespace ffrtmp::worker {
namespace {

namespace fs = std::filesystem;

TEST(Reuse, DigestIsThatOfSha256sum) {
  const test::TempDir dir;
  test::write_file(dir / "a", "abc");
  const auto digest = digest_of(dir / "a");
  ASSERT_TRUE(digest) << digest.error().message;
  EXPECT_EQ(digest->size, 3);
  // FIPS 180-4, the example of one block.
  EXPECT_EQ(digest->sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Reuse, NoDigestOfALinkADirectoryOrNothing) {
  const test::TempDir dir;
  test::write_file(dir / "a", "abc");
  fs::create_symlink(dir / "a", dir / "link");
  EXPECT_FALSE(digest_of(dir / "link"));
  EXPECT_FALSE(digest_of(dir.path()));
  const auto none = digest_of(dir / "none");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::kGone);
}

// A pipe in the output's place would hold the worker for ever.
TEST(Reuse, NoDigestOfAPipe) {
  const test::TempDir dir;
  ASSERT_EQ(mkfifo((dir / "pipe").c_str(), 0600), 0);
  EXPECT_FALSE(digest_of(dir / "pipe"));
}

TEST(Reuse, ACopyIsEqualAndAnotherFile) {
  const test::TempDir dir;
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += static_cast<char>(i * 7 + i / 251);
  test::write_file(dir / "a", text);
  ASSERT_TRUE(copy_file(dir / "a", dir / "b"));
  EXPECT_EQ(test::read_file(dir / "b"), text);
  EXPECT_EQ(digest_of(dir / "a")->sha256, digest_of(dir / "b")->sha256);
  struct stat a {};
  struct stat b {};
  ASSERT_EQ(stat((dir / "a").c_str(), &a), 0);
  ASSERT_EQ(stat((dir / "b").c_str(), &b), 0);
  EXPECT_NE(a.st_ino, b.st_ino) << "the former attempt may take its own away";
}

TEST(Reuse, ACopyOfNothingIsEmpty) {
  const test::TempDir dir;
  test::write_file(dir / "a", "");
  ASSERT_TRUE(copy_file(dir / "a", dir / "b"));
  EXPECT_EQ(fs::file_size(dir / "b"), 0U);
}

TEST(Reuse, ACopyWritesOverNothing) {
  const test::TempDir dir;
  test::write_file(dir / "a", "new");
  test::write_file(dir / "b", "a user's");
  EXPECT_FALSE(copy_file(dir / "a", dir / "b"));
  EXPECT_EQ(test::read_file(dir / "b"), "a user's");
  fs::create_symlink(dir / "b", dir / "link");
  EXPECT_FALSE(copy_file(dir / "a", dir / "link"));
  EXPECT_EQ(test::read_file(dir / "b"), "a user's");
  fs::create_symlink(dir / "nowhere", dir / "dangling");
  EXPECT_FALSE(copy_file(dir / "a", dir / "dangling"));
  EXPECT_FALSE(fs::exists(dir / "nowhere"));
  EXPECT_FALSE(copy_file(dir / "link", dir / "c")) << "a link is not copied";
  EXPECT_FALSE(fs::exists(dir / "c"));
}

}  // namespace
}  // namespace ffrtmp::worker
