#include "worker/input_dir.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/text.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::worker {
namespace {

namespace fs = std::filesystem;

class InputDirs : public testing::Test {
 protected:
  Uuid next() { return ids_.next(UtcTime{}); }
  [[nodiscard]] std::string in_dir(const std::string& name) const { return work_ / ("inputs/" + name); }
  [[nodiscard]] InputDir opened() const {
    auto dir = InputDir::open(work_.path());
    EXPECT_TRUE(dir) << dir.error().message;
    return std::move(*dir);
  }

  test::TempDir work_;
  test::SeededIds ids_;
};

TEST_F(InputDirs, AreForTheirOwnerAlone) {
  fs::create_directory(work_ / "inputs");
  fs::permissions(work_ / "inputs", fs::perms::all);
  InputDir dir = opened();
  const Uuid job = next();
  ASSERT_TRUE(dir.create_part(job));
  struct stat info {};
  ASSERT_EQ(stat((work_ / "inputs").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700U);
  ASSERT_EQ(stat(dir.part_path(job).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
  EXPECT_EQ(dir.part_path(job), in_dir(cat("input_", job.str(), ".mp4.part")));
}

TEST_F(InputDirs, APartBecomesAnInputAndGoes) {
  InputDir dir = opened();
  const Uuid job = next();
  const auto part = dir.create_part(job);
  ASSERT_TRUE(part);
  test::write_file(dir.part_path(job), "12345");
  const auto size = dir.finish(job, part->inode);
  ASSERT_TRUE(size) << size.error().message;
  EXPECT_EQ(*size, 5);
  EXPECT_EQ(test::read_file(dir.path(job)), "12345");
  EXPECT_FALSE(fs::exists(dir.part_path(job)));
  dir.remove(job, part->inode);
  EXPECT_TRUE(fs::is_empty(work_ / "inputs"));
}

// A stale attempt wakes up after its successor has begun.
TEST_F(InputDirs, WhatAnotherAttemptMadeIsLeftAlone) {
  InputDir dir = opened();
  const Uuid job = next();
  const auto stale = dir.create_part(job);
  const auto current = dir.create_part(job);
  ASSERT_TRUE(stale && current);
  ASSERT_NE(stale->inode, current->inode);
  EXPECT_FALSE(dir.finish(job, stale->inode));
  dir.remove(job, stale->inode);
  EXPECT_TRUE(fs::exists(dir.part_path(job)));
  EXPECT_TRUE(dir.finish(job, current->inode));
  dir.remove(job, stale->inode);
  EXPECT_TRUE(fs::exists(dir.path(job)));
}

TEST_F(InputDirs, AnInputThatWasKeptIsReplacedByANewOne) {
  InputDir dir = opened();
  const Uuid job = next();
  test::write_file(dir.path(job), "of the attempt before");
  const auto part = dir.create_part(job);
  ASSERT_TRUE(part);
  EXPECT_TRUE(dir.finish(job, part->inode));
  EXPECT_EQ(test::read_file(dir.path(job)), "");
}

// contract: F39
TEST_F(InputDirs, TheSweepTakesOnlyWhatIsOurs) {
  InputDir dir = opened();
  const Uuid ours = next();
  const Uuid running = next();
  const std::string id = next().str();
  std::string upper = id;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  test::write_file(work_ / "precious", "x");
  std::vector<std::string> others{"input_x.mp4",
                                  cat("input_", id),
                                  cat("input_", id, ".mkv"),
                                  cat("input_", id, ".mp4.bak"),
                                  cat("input_", id, ".mp4.part.part"),
                                  cat("xinput_", id, ".mp4"),
                                  cat("input_", upper, ".mp4"),
                                  cat("input_", id, "x.mp4"),
                                  "input_.mp4",
                                  ".mp4",
                                  ".part"};
  for (const std::string& name : others) test::write_file(in_dir(name), "the user's");
  const std::string link = in_dir(cat("input_", id, ".mp4"));
  fs::create_symlink(work_ / "precious", link);
  fs::create_directory(in_dir(cat("input_", next().str(), ".mp4")));
  for (const Uuid& job : {ours, running}) {
    test::write_file(dir.path(job), "made");
    test::write_file(dir.part_path(job), "half");
  }
  dir.sweep({running});
  EXPECT_FALSE(fs::exists(dir.path(ours)));
  EXPECT_FALSE(fs::exists(dir.part_path(ours)));
  EXPECT_TRUE(fs::exists(dir.path(running)));
  EXPECT_TRUE(fs::exists(dir.part_path(running)));
  for (const std::string& name : others) EXPECT_TRUE(fs::exists(in_dir(name))) << name;
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(test::read_file(work_ / "precious"), "x");
}

// contract: F39
TEST_F(InputDirs, ALinkInTheirPlaceIsNotFollowed) {
  fs::create_directory(work_ / "elsewhere");
  const std::string file = work_ / cat("elsewhere/input_", next().str(), ".mp4");
  test::write_file(file, "x");
  fs::create_directory_symlink(work_ / "elsewhere", work_ / "inputs");
  EXPECT_FALSE(InputDir::open(work_.path()));
  EXPECT_TRUE(fs::exists(file));
}

TEST_F(InputDirs, ALinkInAPartsPlaceIsNotWrittenThrough) {
  InputDir dir = opened();
  const Uuid job = next();
  test::write_file(work_ / "precious", "x");
  fs::create_symlink(work_ / "precious", dir.part_path(job));
  EXPECT_FALSE(dir.create_part(job));
  EXPECT_EQ(test::read_file(work_ / "precious"), "x");
}

TEST_F(InputDirs, ADirectoryThatAnotherWorkerUsesIsNotSwept) {
  InputDir first = opened();
  InputDir second = opened();
  const Uuid job = next();
  test::write_file(first.path(job), "made");
  second.sweep({});
  EXPECT_TRUE(fs::exists(first.path(job)));
  first.sweep({});
  EXPECT_FALSE(fs::exists(first.path(job)));
}

}  // namespace
}  // namespace ffrtmp::worker
