#include "worker/publish.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <thread>

#include "sys/fd.h"
#include "sys/lock.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::worker {
namespace {

namespace fs = std::filesystem;

struct stat info_of(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(lstat(path.c_str(), &info), 0) << path;
  return info;
}

class Publish : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(out_);
    test::write_file(staged_, "new");
  }

  // The move of the file that stands staged now.
  Move move(bool may_replace = false) {
    Move move{out_, "film.1.part.mp4", "film.mp4", may_replace};
    const auto mark = sync_staged(move);
    EXPECT_TRUE(mark) << mark.error().message;
    if (mark) move.mark = *mark;
    return move;
  }

  // What an attempt published that may replace; the file holds its number.
  Move publish_over(int attempt) {
    const std::string number = std::to_string(attempt);
    Move move{out_, staged_name("film.mp4", number), "film.mp4", true};
    test::write_file(out_ + "/" + move.staged, number);
    move.mark = sync_staged(move).value_or(FileMark{});
    EXPECT_TRUE(publish(move));
    return move;
  }

  test::TempDir dir_;
  const std::string out_ = dir_ / "out";
  const std::string staged_ = out_ + "/film.1.part.mp4";
  const std::string final_ = out_ + "/film.mp4";
};

TEST_F(Publish, AFreePathTakesTheFileItself) {
  const Move m = move();
  EXPECT_EQ(m.mark.inode, info_of(staged_).st_ino);
  EXPECT_FALSE(is_published(m));
  ASSERT_TRUE(publish(m));
  EXPECT_TRUE(is_published(m));
  EXPECT_EQ(test::read_file(final_), "new");
  EXPECT_EQ(info_of(final_).st_ino, m.mark.inode) << "renamed, not copied";
  EXPECT_FALSE(fs::exists(staged_));
  settle(m);
  EXPECT_EQ(test::read_file(final_), "new");
}

// contract: F39
TEST_F(Publish, WithoutOverwriteAnExistingFileStays) {
  test::write_file(final_, "a user's");
  const Move m = move();
  const ino_t before = info_of(final_).st_ino;
  const Status moved = publish(m);
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, Errc::kForbidden);
  EXPECT_NE(moved.error().message.find(final_), std::string::npos) << moved.error().message;
  EXPECT_EQ(test::read_file(final_), "a user's");
  EXPECT_EQ(info_of(final_).st_ino, before);
  take_back(m);
  EXPECT_EQ(test::read_file(final_), "a user's");
  EXPECT_FALSE(fs::exists(staged_)) << "nothing of a refused attempt remains";
}

TEST_F(Publish, WithoutOverwriteALinkThatLeadsNowhereIsATakenPath) {
  fs::create_symlink(dir_ / "elsewhere.mp4", final_);
  const Status moved = publish(move());
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, Errc::kForbidden);
  EXPECT_TRUE(fs::is_symlink(final_));
  EXPECT_FALSE(fs::exists(dir_ / "elsewhere.mp4"));
}

TEST_F(Publish, OverwriteKeepsTheOldFileUntilItIsSettled) {
  test::write_file(final_, "old");
  const Move m = move(true);
  ASSERT_TRUE(publish(m));
  EXPECT_TRUE(is_published(m));
  EXPECT_EQ(test::read_file(final_), "new");
  EXPECT_EQ(test::read_file(staged_), "old");
  settle(m);
  EXPECT_EQ(test::read_file(final_), "new");
  EXPECT_FALSE(fs::exists(staged_));
}

TEST_F(Publish, OverwriteReplacesALinkAndNotWhatItLeadsTo) {
  test::write_file(dir_ / "precious", "precious");
  fs::create_symlink(dir_ / "precious", final_);
  const Move m = move(true);
  ASSERT_TRUE(publish(m));
  settle(m);
  EXPECT_FALSE(fs::is_symlink(final_));
  EXPECT_EQ(test::read_file(final_), "new");
  EXPECT_EQ(test::read_file(dir_ / "precious"), "precious");
}

TEST_F(Publish, AStaleOneGivesTheOldFileBack) {
  test::write_file(final_, "old");
  const ino_t before = info_of(final_).st_ino;
  const Move m = move(true);
  ASSERT_TRUE(publish(m));
  take_back(m);
  EXPECT_EQ(test::read_file(final_), "old");
  EXPECT_EQ(info_of(final_).st_ino, before);
  EXPECT_FALSE(fs::exists(staged_));
}

TEST_F(Publish, AStaleOneOnAFreePathLeavesNothing) {
  const Move m = move();
  ASSERT_TRUE(publish(m));
  take_back(m);
  EXPECT_TRUE(fs::is_empty(out_));
}

// contract: F22
TEST_F(Publish, AStaleOneLeavesTheFileOfTheNextAttemptAlone) {
  const Move m = move();
  ASSERT_TRUE(publish(m));
  test::write_file(out_ + "/film.2.part.mp4", "newest");
  Move next{out_, "film.2.part.mp4", "film.mp4", true};
  next.mark = *sync_staged(next);
  ASSERT_TRUE(publish(next));
  take_back(m);
  EXPECT_EQ(test::read_file(final_), "newest");
  settle(next);
  EXPECT_EQ(test::read_file(final_), "newest");
  EXPECT_EQ(std::distance(fs::directory_iterator(out_), {}), 1);
}

// Attempts that replaced each other's files hear in any order that they are stale.
// contract: F22
TEST_F(Publish, StaleOnesInAnyOrderGiveTheUsersFileBack) {
  std::array<int, 3> order{1, 2, 3};
  do {
    test::write_file(final_, "a user's");
    const ino_t before = info_of(final_).st_ino;
    std::array<Move, 4> moves;
    for (const int i : {1, 2, 3}) moves[i] = publish_over(i);
    const std::string hint = std::to_string(order[0]) + std::to_string(order[1]) + std::to_string(order[2]);
    for (const int i : order) take_back(moves[i]);
    EXPECT_EQ(test::read_file(final_), "a user's") << hint;
    EXPECT_EQ(info_of(final_).st_ino, before) << hint;
    EXPECT_EQ(std::distance(fs::directory_iterator(out_), {}), 1) << hint;
    fs::remove_all(out_);
    fs::create_directory(out_);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_F(Publish, WhatAStaleOneHandedOnGoesWithTheAcceptedResult) {
  test::write_file(final_, "old");
  const Move stale = publish_over(1);
  const Move current = publish_over(2);
  take_back(stale);
  EXPECT_EQ(test::read_file(out_ + "/" + current.staged), "old");
  settle(current);
  EXPECT_EQ(test::read_file(final_), "2");
  EXPECT_EQ(std::distance(fs::directory_iterator(out_), {}), 1);
}

// A second name that a user gave to our file is no attempt's.
TEST_F(Publish, AUsersOtherNameForAnOutputIsLeftAlone) {
  test::write_file(final_, "old");
  const Move stale = publish_over(1);
  fs::create_hard_link(final_, out_ + "/film.copy.mp4");
  const Move current = publish_over(2);
  settle(current);
  take_back(stale);
  EXPECT_EQ(test::read_file(out_ + "/film.copy.mp4"), "1");
  EXPECT_EQ(test::read_file(final_), "2");
}

// File systems give the inode number of a removed file to the next one.
TEST_F(Publish, AUsersLaterFileWithTheSameInodeNumberIsLeftAlone) {
  const Move m = move();
  ASSERT_TRUE(publish(m));
  test::write_file(final_, "a user's");
  const timespec later[2] = {{0, UTIME_OMIT}, {info_of(final_).st_mtim.tv_sec + 1, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, final_.c_str(), later, 0), 0);
  ASSERT_EQ(info_of(final_).st_ino, m.mark.inode);
  EXPECT_FALSE(is_published(m));
  take_back(m);
  EXPECT_EQ(test::read_file(final_), "a user's");
}

// A worker that died behind its rename goes on after another job has replaced the output.
TEST_F(Publish, WhatOursReplacedIsNotTakenForOurs) {
  test::write_file(final_, "old");
  const Move m = publish_over(1);
  const Move other = publish_over(2);
  EXPECT_FALSE(is_published(m));
  const auto again = sync_staged(m);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::kGone);
}

// Where RENAME_NOREPLACE is made of link() and unlink() a death may leave both names.
TEST_F(Publish, AFileUnderBothNamesGoesFromBoth) {
  const Move m = move(true);
  fs::create_hard_link(staged_, final_);
  take_back(m);
  EXPECT_TRUE(fs::is_empty(out_));
}

TEST_F(Publish, BeforeTheRenameOnlyTheStagedFileGoes) {
  test::write_file(final_, "a user's");
  const Move m = move(true);
  take_back(m);
  EXPECT_EQ(test::read_file(final_), "a user's");
  EXPECT_FALSE(fs::exists(staged_));
  Move unsynced = m;
  unsynced.mark = {};
  EXPECT_FALSE(is_published(unsynced)) << "no mark, no claim on the file that stands there";
  take_back(unsynced);
  EXPECT_EQ(test::read_file(final_), "a user's");
}

TEST_F(Publish, AStagedLinkIsNotFollowed) {
  test::write_file(dir_ / "precious", "precious");
  fs::remove(staged_);
  fs::create_symlink(dir_ / "precious", staged_);
  EXPECT_FALSE(sync_staged({out_, "film.1.part.mp4", "film.mp4", false}));
  take_back({out_, "film.1.part.mp4", "film.mp4", false});
  EXPECT_EQ(test::read_file(dir_ / "precious"), "precious");
  EXPECT_FALSE(fs::is_symlink(staged_));
}

TEST_F(Publish, ADirectorySwappedForALinkAfterStagingIsLeftAlone) {
  const Move m = move(true);
  const std::string other = dir_ / "other";
  fs::create_directory(other);
  test::write_file(other + "/film.mp4", "not ours");
  fs::rename(out_, dir_ / "aside");
  fs::create_directory_symlink(other, out_);
  const Status moved = publish(m);
  EXPECT_FALSE(moved);
  EXPECT_FALSE(is_published(m));
  take_back(m);
  settle(m);
  EXPECT_EQ(test::read_file(other + "/film.mp4"), "not ours");
  EXPECT_EQ(std::distance(fs::directory_iterator(other), {}), 1);
  EXPECT_EQ(test::read_file(dir_ / "aside/film.1.part.mp4"), "new");
}

// Even one that holds a file of the staged name: it is not the directory that was resolved beneath the roots.
TEST_F(Publish, ADirectorySwappedForALinkIsNotEnteredForAFileOfThatName) {
  const Move m = move(true);
  const std::string other = dir_ / "other";
  fs::create_directory(other);
  test::write_file(other + "/film.1.part.mp4", "planted");
  test::write_file(other + "/film.mp4", "not ours");
  fs::rename(out_, dir_ / "aside");
  fs::create_directory_symlink(other, out_);
  EXPECT_FALSE(sync_staged(m));
  EXPECT_FALSE(publish(m));
  take_back(m);
  settle(m);
  EXPECT_EQ(test::read_file(other + "/film.mp4"), "not ours");
  EXPECT_EQ(test::read_file(other + "/film.1.part.mp4"), "planted");
}

TEST_F(Publish, AStagedFileThatWasExchangedAfterItsCheckIsNotPublished) {
  const Move m = move();
  test::write_file(dir_ / "planted", "planted");
  fs::rename(dir_ / "planted", staged_);
  EXPECT_FALSE(publish(m));
  EXPECT_FALSE(fs::exists(final_));
}

TEST_F(Publish, ADirectoryThatIsGoneIsAnError) {
  const Move m = move();
  fs::remove_all(out_);
  const Status moved = publish(m);
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, Errc::kGone);
  EXPECT_FALSE(is_published(m));
  settle(m);
  take_back(m);
  EXPECT_FALSE(fs::exists(out_));
}

TEST_F(Publish, ADirectoryInTheFilesPlaceIsNotReplaced) {
  fs::create_directory(final_);
  test::write_file(final_ + "/inside", "x");
  for (const bool may_replace : {false, true}) {
    const Status moved = publish(move(may_replace));
    ASSERT_FALSE(moved);
    EXPECT_EQ(moved.error().code, Errc::kForbidden);
    EXPECT_EQ(test::read_file(final_ + "/inside"), "x");
  }
}

TEST_F(Publish, WaitsForWhoeverMovesInThatDirectory) {
  const Move m = move();
  sys::Fd holder(open(out_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_TRUE(sys::try_lock(holder.get()));
  std::atomic<bool> moved{false};
  std::thread mover([&] {
    EXPECT_TRUE(publish(m));
    moved = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_FALSE(moved);
  EXPECT_FALSE(fs::exists(final_));
  holder.reset();
  mover.join();
  EXPECT_EQ(test::read_file(final_), "new");
}

// A reader that looks all the time never finds the path empty or half: what stands there is old or new.
TEST_F(Publish, ThePathIsWholeAtEveryMoment) {
  test::write_file(final_, "old");
  std::atomic<bool> done{false};
  std::atomic<int> bad{0};
  std::thread reader([&] {
    while (!done) {
      const int fd = open(final_.c_str(), O_RDONLY | O_CLOEXEC);
      char text[4] = {};
      if (fd < 0 || read(fd, text, 3) != 3 || (std::string_view(text) != "old" && std::string_view(text) != "new"))
        ++bad;
      if (fd >= 0) close(fd);
    }
  });
  for (int i = 0; i < 200; ++i) {
    test::write_file(staged_, "new");
    const Move m = move(true);
    ASSERT_TRUE(publish(m));
    if (i % 2 == 0)
      take_back(m);
    else
      settle(m);
  }
  done = true;
  reader.join();
  EXPECT_EQ(bad, 0);
}

}  // namespace
}  // namespace ffrtmp::worker
