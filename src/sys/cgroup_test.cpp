#include "sys/cgroup.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "sys/pid_fd.h"
#include "sys/proc_fs.h"
#include "sys/spawn.h"
#include "tests/support/own_cgroup.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::sys {
namespace {

using namespace std::chrono_literals;

TEST(FindOwnCgroup, IsBelowTheMount) {
  const test::TempDir root;
  const Host host{root / "proc", root / "sys"};
  test::write_file(root / "proc/self/cgroup", "0::/docker/ab/unit\n");
  test::write_file(root / "proc/self/mountinfo",
                   cat("41 31 0:38 /docker/ab ", root / "cg", " rw - cgroup2 cgroup2 rw\n"));
  EXPECT_EQ(test::find_own_cgroup(host).error().code, Errc::kGone);
  std::filesystem::create_directories(root / "cg/unit");
  EXPECT_EQ(test::find_own_cgroup(host).value(), root / "cg/unit");
}

TEST(ParseFlatKey, NeedsTheWholeKey) {
  EXPECT_EQ(parse_flat_key("usage_usec 12\nuser_usec 7\n", "user_usec"), 7);
  EXPECT_EQ(parse_flat_key("usage_usec 12\n", "usage"), std::nullopt);
  EXPECT_EQ(parse_flat_key("", "frozen"), std::nullopt);
}

// With the real kernel, in a group of its own.
class RealCgroup : public testing::Test {
 protected:
  void SetUp() override {
    const auto own = test::find_own_cgroup(Host::real());
    if (!own) GTEST_SKIP() << "no unified group to write: " << own.error().message;
    path_ = cat(*own, "/ffrtmp-systest-", getpid());
  }
  void TearDown() override { EXPECT_TRUE(path_.empty() || !std::filesystem::exists(path_)); }
  static Child start_in(const Cgroup& group, const std::string& script) {
    Command command;
    command.argv = {"/bin/sh", "-c", script};
    command.cgroup_dir = group.dir().get();
    auto child = spawn(command);
    EXPECT_TRUE(child) << child.error().message;
    return child ? std::move(*child) : Child{};
  }
  std::string path_;
};

TEST_F(RealCgroup, IsBornFrozenThawedKilledAndRemoved) {
  auto group = test::make_cgroup(path_ + "/inner");
  ASSERT_TRUE(group) << group.error().message;
  auto outer = Cgroup::open(path_);
  ASSERT_TRUE(outer);
  EXPECT_TRUE(outer->wait_empty(0ms));

  const Child child = start_in(*group, "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done; sleep 1000 & sleep 1000");
  EXPECT_TRUE(read_unified_cgroup(Host::real(), child.pid)->ends_with("/inner"));
  const auto pids = outer->procs();
  ASSERT_TRUE(pids);
  EXPECT_NE(std::find(pids->begin(), pids->end(), child.pid), pids->end());
  EXPECT_EQ(outer->wait_empty(0ms).error().code, Errc::kTimeout);

  ASSERT_TRUE(outer->freeze(2s));
  EXPECT_TRUE(test::is_frozen(*group));
  ASSERT_TRUE(outer->thaw());
  EXPECT_EQ(outer->wait_empty(0ms).error().code, Errc::kTimeout);

  ASSERT_TRUE(outer->freeze(2s));
  ASSERT_TRUE(outer->kill());  // also while frozen
  ASSERT_TRUE(outer->wait_empty(5s));
  waitpid(child.pid, nullptr, 0);
  EXPECT_GT(outer->cpu_usage()->count(), 0);
  ASSERT_TRUE(remove_group(path_));
  EXPECT_TRUE(remove_group(path_));
  EXPECT_EQ(Cgroup::open(path_).error().code, Errc::kGone);
  EXPECT_TRUE(outer->wait_empty(0ms));
}

}  // namespace
}  // namespace ffrtmp::sys
