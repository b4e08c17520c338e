#include "watch/examiner.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/text.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::watch {
namespace {

using Outcome = Examined::Outcome;

constexpr pid_t kSelf = 50;

// A kernel in a directory, and the daemon in it.
class ExaminerTest : public ::testing::Test {
 protected:
  void add(pid_t pid, pid_t ppid, std::string_view argv0 = "") {
    test::write_file(root_ / cat("proc/", pid, "/stat"),
                     cat(pid, " (x) S ", ppid, " 1 1 0 -1 0 0 0 0 0 1 2 3 4 20 0 1 0 ", pid, " 0 5 0 1 2 777 0\n"));
    test::write_file(root_ / cat("proc/", pid, "/cmdline"), std::string(argv0) + '\0');
  }
  void put_in_group(pid_t pid, std::string_view path) {
    test::write_file(root_ / cat("proc/", pid, "/cgroup"), cat("9:memory:/\n0::", path, "\n"));
  }
  Examined look(pid_t pid, Examiner::Walk& walk) {
    auto seen = examiner_.examine(pid, policy_, BootTime{}, walk);
    EXPECT_TRUE(seen) << seen.error().message;
    return std::move(seen).value_or({});
  }

  test::TempDir root_;
  sys::Host host_{root_ / "proc", root_ / "sys"};
  sys::ProcScanner scanner_ = [this] {
    std::filesystem::create_directories(root_ / "proc");
    return std::move(*sys::ProcScanner::open(host_));
  }();
  sys::UserNames names_;
  govern::Policy policy_;
  Examiner examiner_{{host_, root_ / "run", 100}, scanner_, names_, kSelf};
};

TEST_F(ExaminerTest, AMatchKeepsWhatItsGoverningNeeds) {
  add(1, 0);
  add(7, 1, "/usr/bin/ffmpeg");
  put_in_group(7, "/user.slice");
  Examiner::Walk walk;
  const Examined seen = look(7, walk);
  EXPECT_EQ(seen.outcome, Outcome::kMatch);
  EXPECT_EQ(seen.command, "ffmpeg");
  EXPECT_EQ(seen.user, names_.name_of(*seen.facts.uid));
  EXPECT_EQ(seen.facts.key, (sys::ProcessKey{7, 7}));
  EXPECT_TRUE(seen.facts.cmdline.empty());
  EXPECT_EQ(seen.facts.membership().at("unified"), "/user.slice");
}

TEST_F(ExaminerTest, WhoIsInAGroupOfOursIsLeftAlone) {
  add(1, 0);
  add(7, 1, "ffmpeg");
  Examiner::Walk walk;
  for (const auto& [path, outcome] :
       {std::pair("/a/ffrtmp/auto-1/in", Outcome::kExempt), std::pair("/a/ffrtmp/", Outcome::kMatch),
        std::pair("/ffrtmp", Outcome::kMatch)}) {
    put_in_group(7, path);
    EXPECT_EQ(look(7, walk).outcome, outcome) << path;
  }
}

// While a walk lasts the daemon starts nothing: whose parent was a stranger's is a stranger's.
TEST_F(ExaminerTest, AParentIsAskedForItsAncestorsOnceAWalk) {
  add(1, 0);
  add(kSelf, 1);
  add(60, 1);
  for (const pid_t pid : {7, 8}) add(pid, 60, "ffmpeg");
  Examiner::Walk walk;
  EXPECT_EQ(look(7, walk).outcome, Outcome::kMatch);
  std::filesystem::remove(root_ / "proc/60/stat");
  add(60, kSelf);
  test::write_file(root_ / "proc/60/stat",
                   cat("60 (x) S ", kSelf, " 1 1 0 -1 0 0 0 0 0 1 2 3 4 20 0 1 0 61 0 5 0 1 2 777 0\n"));
  EXPECT_EQ(look(8, walk).outcome, Outcome::kMatch);
  Examiner::Walk next;
  const Examined seen = look(8, next);
  EXPECT_EQ(seen.outcome, Outcome::kExempt);
  EXPECT_EQ(seen.test, "self");
  EXPECT_EQ(look(8, next).outcome, Outcome::kExempt) << "the daemon's child stays one";
}

TEST_F(ExaminerTest, TheDaemonsTreeIsLeftAloneHoweverDeepAndARingEnds) {
  add(1, 0);
  add(kSelf, 1);
  add(60, kSelf);
  add(61, 60);
  add(7, 61, "ffmpeg");
  add(70, 1);
  add(71, 70);
  add(8, 71, "ffmpeg");
  add(20, 21, "ffmpeg");
  add(21, 20);
  Examiner::Walk walk;
  EXPECT_EQ(look(7, walk).test, "self");
  for (const pid_t foreign : {8, 20}) EXPECT_EQ(look(foreign, walk).outcome, Outcome::kMatch) << foreign;
  add(9, 71, "ffmpeg");  // of a parent that was met before
  EXPECT_EQ(examiner_.examine(9, policy_, BootTime{}).outcome, Outcome::kMatch);
  EXPECT_EQ(look(7, walk).test, "self");
}

TEST_F(ExaminerTest, WhatCannotBeReadIsAnErrorOfAWalkUnlessItIsGone) {
  test::write_file(root_ / "proc/9/stat", "no line");
  Examiner::Walk walk;
  const auto seen = examiner_.examine(9, policy_, BootTime{}, walk);
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().code, Errc::kCorrupt);
  EXPECT_EQ(examiner_.examine(9, policy_, BootTime{}).outcome, Outcome::kGone);
  EXPECT_EQ(look(10, walk).outcome, Outcome::kGone);
}

}  // namespace
}  // namespace ffrtmp::watch
