#include "sys/priority.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <thread>

#include "tests/support/temp_dir.h"

namespace ffrtmp::sys {
namespace {

TEST(Priority, NiceBelongsToAThread) {
  const Host host = Host::real();
  int inside = -100;
  std::thread([&] {
    const pid_t tid = gettid();
    const auto threads = read_threads(host, getpid());
    ASSERT_TRUE(threads);
    EXPECT_NE(std::find(threads->begin(), threads->end(), tid), threads->end());
    ASSERT_TRUE(write_nice(tid, read_nice(tid).value() + 1));
    inside = read_nice(tid).value();
  }).join();
  EXPECT_EQ(inside, read_nice(getpid()).value() + 1);
}

TEST(Priority, OfNobody) {
  const test::TempDir root;
  const Host host{root / "proc", root / "sys"};
  constexpr pid_t kNobody = 4'194'305;  // above the largest pid there is
  EXPECT_EQ(read_nice(kNobody).error().code, Errc::kGone);
  EXPECT_EQ(write_nice(kNobody, 1).error().code, Errc::kGone);
  EXPECT_EQ(read_threads(host, kNobody).error().code, Errc::kGone);
  EXPECT_EQ(read_oom_score_adj(host, kNobody).error().code, Errc::kGone);
  EXPECT_EQ(read_resident_bytes(host, kNobody).error().code, Errc::kGone);
}

TEST(Priority, OomScoreAdjAndResidentBytes) {
  const test::TempDir root;
  const Host host{root / "proc", root / "sys"};
  test::write_file(root / "proc/7/oom_score_adj", "-17\n");
  test::write_file(root / "proc/7/statm", "1000 25 10 1 0 90 0\n");
  EXPECT_EQ(read_oom_score_adj(host, 7).value(), -17);
  ASSERT_TRUE(write_oom_score_adj(host, 7, 500));
  EXPECT_EQ(test::read_file(root / "proc/7/oom_score_adj").substr(0, 3), "500");
  EXPECT_EQ(read_resident_bytes(host, 7).value(), 25 * sysconf(_SC_PAGESIZE));
  test::write_file(root / "proc/8/statm", "1000\n");
  EXPECT_EQ(read_resident_bytes(host, 8).error().code, Errc::kCorrupt);
}

}  // namespace
}  // namespace ffrtmp::sys
