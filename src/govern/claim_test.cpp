#include "govern/claim.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "sys/file_io.h"
#include "sys/lock.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::govern {
namespace {

Claim claim_of(std::int64_t pid, const std::string& owner) {
  Claim claim;
  claim.pid = pid;
  claim.start_ticks = 77;
  claim.owner = owner;
  claim.owner_pid = getpid();
  claim.governed.job_id = "job-" + owner;
  claim.governed.limits.cpu_quota_percent = 50;
  claim.governed.groups = {{"memory", "/a/ffrtmp/job", {}, {}}};
  claim.governed.members = {{pid, 77, {{"memory", "/a"}}, {{"12", -3}}, 100}};
  return claim;
}

TEST(Claim, IsHeldByOneAtATime) {
  const test::TempDir dir;
  auto held = HeldClaim::take(dir.path(), claim_of(12, "run"));
  ASSERT_TRUE(held) << held.error().message;
  const auto second = HeldClaim::take(dir.path(), claim_of(12, "watch"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kNodeBusy);
  EXPECT_NE(second.error().message.find("by run"), std::string::npos) << second.error().message;
  EXPECT_NE(second.error().message.find("job-run"), std::string::npos);
  EXPECT_TRUE(HeldClaim::take(dir.path(), claim_of(13, "watch")));

  const auto found = find_claim(dir.path(), {12, 77});
  ASSERT_TRUE(found && *found);
  EXPECT_TRUE((*found)->live);
  EXPECT_EQ((*found)->claim.governed.members, claim_of(12, "run").governed.members);
  EXPECT_EQ((*found)->claim.governed.groups, claim_of(12, "run").governed.groups);
  EXPECT_FALSE(find_claim(dir.path(), {12, 78}).value());

  held->release();
  EXPECT_FALSE(find_claim(dir.path(), {12, 77}).value());
  EXPECT_TRUE(std::filesystem::is_empty(dir / "governed"));
}

TEST(Claim, StaysLockedWhileItIsReplaced) {
  const test::TempDir dir;
  auto held = HeldClaim::take(dir.path(), claim_of(12, "run"));
  ASSERT_TRUE(held);
  Claim other = claim_of(12, "run");
  other.governed.job_id = "renamed";
  ASSERT_TRUE(held->update(other));
  const auto found = find_claim(dir.path(), {12, 77});
  ASSERT_TRUE(found && *found);
  EXPECT_TRUE((*found)->live);
  EXPECT_EQ((*found)->claim.governed.job_id, "renamed");
  EXPECT_FALSE(HeldClaim::take(dir.path(), claim_of(12, "watch")));
}

TEST(Claim, OfADeadOwnerIsToldAndTakenOver) {
  const test::TempDir dir;
  const pid_t owner = fork();
  if (owner == 0) {
    auto held = HeldClaim::take(dir.path(), claim_of(12, "run"));
    _exit(held ? 0 : 1);  // without a destructor: as if killed
  }
  int status = 0;
  waitpid(owner, &status, 0);
  ASSERT_EQ(status, 0);
  const auto dead = list_claims(dir.path());
  ASSERT_TRUE(dead);
  ASSERT_EQ(dead->size(), 1u);
  EXPECT_FALSE(dead->front().live);
  EXPECT_EQ(dead->front().claim.key(), (sys::ProcessKey{12, 77}));
  const auto heir = HeldClaim::take(dir.path(), claim_of(12, "watch"));
  ASSERT_TRUE(heir) << heir.error().message;
  EXPECT_TRUE((*find_claim(dir.path(), {12, 77}))->live);
}

TEST(Claim, KeptOnesStayForALaterGovernor) {
  const test::TempDir dir;
  {
    auto held = HeldClaim::take(dir.path(), claim_of(12, "run"));
    ASSERT_TRUE(held);
    held->keep();
  }
  const auto found = list_claims(dir.path());
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 1u);
  EXPECT_FALSE(found->front().live);
  drop_claim(found->front());
  EXPECT_TRUE(list_claims(dir.path())->empty());
}

TEST(Claim, WhatIsNoneIsLeftOut) {
  const test::TempDir dir;
  EXPECT_TRUE(list_claims(dir.path())->empty());
  test::write_file(dir / "governed/12-77.json", "{\"pid\": ");
  test::write_file(dir / "governed/other", "x");
  EXPECT_TRUE(list_claims(dir.path())->empty());
  EXPECT_FALSE(find_claim(dir.path(), {12, 77}).value());
  if (geteuid() != 0) return;
  auto held = HeldClaim::take(dir.path(), claim_of(13, "run"));
  ASSERT_TRUE(held);
  ASSERT_EQ(chown((dir / "governed/13-77.json").c_str(), 65534, 65534), 0);
  EXPECT_FALSE(find_claim(dir.path(), {13, 77}).value()) << "a stranger's word does not count";
}

// Damaged at any place: none when nobody holds it, and its process is hands off while somebody does.
TEST(Claim, CutAnywhereItIsHeldByWhoLocksIt) {
  const test::TempDir dir;
  const std::string path = dir / "governed/12-77.json";
  std::string text;
  {
    auto held = HeldClaim::take(dir.path(), claim_of(12, "run"));
    ASSERT_TRUE(held) << held.error().message;
    text = test::read_file(path);
  }
  ASSERT_TRUE(parse_claim(text));
  while (!text.empty() && text.back() != '}') text.pop_back();
  for (std::size_t size = 0; size < text.size(); size += 7) {
    test::write_file(path, text.substr(0, size));
    EXPECT_FALSE(find_claim(dir.path(), {12, 77}).value()) << size;
    EXPECT_TRUE(list_claims(dir.path())->empty()) << size;
    EXPECT_TRUE(HeldClaim::take(dir.path(), claim_of(12, "watch"))) << size;
  }
  test::write_file(path, text.substr(0, text.size() / 2));
  const auto owner = sys::open_file(path, O_RDWR);
  ASSERT_TRUE(sys::try_lock(owner->get()));
  const auto found = find_claim(dir.path(), {12, 77});
  ASSERT_TRUE(found && *found);
  EXPECT_TRUE((*found)->live);
  EXPECT_EQ((*found)->claim.key(), (sys::ProcessKey{12, 77}));
  EXPECT_EQ((*found)->claim.owner, "unknown");
  const auto taken = HeldClaim::take(dir.path(), claim_of(12, "watch"));
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::kNodeBusy);
  EXPECT_FALSE(std::filesystem::exists(path + "." + std::to_string(getpid()))) << "no draft is left";
}

// Whenever its owner is killed, there is none or a whole one, and it is free.
TEST(Claim, AKillAtAnyMomentLeavesAWholeOne) {
  const test::TempDir dir;
  std::filesystem::create_directory(dir / "governed");
  std::mt19937 random(7);
  int whole = 0;
  int started[2];
  ASSERT_EQ(pipe2(started, O_CLOEXEC), 0);
  for (int round = 0; round < 200; ++round) {
    const pid_t owner = fork();
    if (owner == 0) {
      // Every other one tells of itself when it has its first claim: a slow machine may not get that far in time.
      const auto tell = [&] {
        if (write(started[1], "s", 1) != 1) _exit(2);
      };
      if (round % 2 == 0) tell();
      for (bool is_first = round % 2 == 1;; is_first = false) {
        auto held = HeldClaim::take(dir.path(), claim_of(12, "run"));
        if (is_first) tell();
        // A release takes milliseconds on some file systems; as many go into what is killed.
        for (int i = 0; i < 20; ++i)
          if (!held || !held->update(claim_of(12, "run"))) _exit(1);
      }
    }
    char byte = 0;
    ASSERT_EQ(read(started[0], &byte, 1), 1);
    usleep(random() % 5000);
    kill(owner, SIGKILL);
    int status = 0;
    waitpid(owner, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it could not take what a dead one left";
    const auto found = list_claims(dir.path());
    ASSERT_TRUE(found);
    bool is_there = false;
    for (const auto& entry : std::filesystem::directory_iterator(dir / "governed")) {
      EXPECT_EQ(entry.path().filename(), "12-77.json") << "a draft is left";
      ASSERT_TRUE(parse_claim(test::read_file(entry.path().string())));
      is_there = true;
    }
    whole += is_there;
    for (const FoundClaim& claim : *found) EXPECT_FALSE(claim.live);
  }
  EXPECT_GT(whole, 10);
  for (const int end : started) close(end);
}

TEST(Claim, NamesTheProcessOfItsFile) {
  const test::TempDir dir;
  std::string text;
  {
    auto held = HeldClaim::take(dir.path(), claim_of(12, "run"));
    ASSERT_TRUE(held);
    text = test::read_file(dir / "governed/12-77.json");
  }
  test::write_file(dir / "governed/13-77.json", text);
  EXPECT_TRUE(list_claims(dir.path())->empty());
  for (const char* pid : {"0", "-12", "4294967308", "1e300"}) {
    std::string other = text;
    other.replace(other.find("12"), 2, pid);
    EXPECT_FALSE(parse_claim(other)) << other;
  }
}

// A governor was killed while its new claim had two names, as it has for a moment where a file system knows no
// RENAME_NOREPLACE; the next one has its pid.
TEST(Claim, ALeftDraftOfTheSamePidIsNoHindrance) {
  const test::TempDir dir;
  {
    auto held = HeldClaim::take(dir.path(), claim_of(12, "run"));
    ASSERT_TRUE(held);
    held->keep();
  }
  const std::string path = dir / "governed/12-77.json";
  std::filesystem::create_hard_link(path, path + "." + std::to_string(getpid()));
  const auto heir = HeldClaim::take(dir.path(), claim_of(12, "watch"));
  ASSERT_TRUE(heir) << heir.error().message;
  EXPECT_EQ((*find_claim(dir.path(), {12, 77}))->claim.owner, "watch");
}

TEST(RuntimeDir, IsOursAlone) {
  const test::TempDir dir;
  EXPECT_TRUE(prepare_runtime_dir(dir / "a/b"));
  struct stat info {};
  ASSERT_EQ(stat((dir / "a/b").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  ASSERT_EQ(chmod((dir / "a/b").c_str(), 0755), 0);
  EXPECT_EQ(prepare_runtime_dir(dir / "a/b").error().code, Errc::kDenied);
  ASSERT_EQ(symlink((dir / "a").c_str(), (dir / "link").c_str()), 0);
  EXPECT_EQ(prepare_runtime_dir(dir / "link").error().code, Errc::kDenied);
  EXPECT_EQ(default_runtime_dir("/x"), "/x");
}

}  // namespace
}  // namespace ffrtmp::govern
