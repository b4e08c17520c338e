#include "sys/proc_fs.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::sys {
namespace {

// Linux 6.1, Debian 12, `cat /proc/PID/stat` of a process renamed by prctl(PR_SET_NAME, "a) R (b").
constexpr std::string_view kRenamed =
    "4242 (a) R (b) S 17 4242 4100 34816 4300 4194304 520 31 2 0 117 23 5 7 20 0 3 0 98765 11231232 932 "
    "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

std::string stat_line(pid_t pid, std::string_view name, pid_t ppid, std::int64_t start) {
  return cat(pid, " (", name, ") S ", ppid, " 1 1 0 -1 0 0 0 0 0 1 2 3 4 20 0 1 0 ", start, " 0 5 0\n");
}

TEST(ParseStat, NameMayHoldParenthesesAndSpaces) {
  const auto stat = parse_stat(kRenamed);
  ASSERT_TRUE(stat) << stat.error().message;
  EXPECT_EQ(stat->pid, 4242);
  EXPECT_EQ(stat->comm, "a) R (b");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->ppid, 17);
  EXPECT_EQ(stat->pgrp, 4242);
  EXPECT_EQ(stat->session, 4100);
  EXPECT_EQ(stat->utime, 117u);
  EXPECT_EQ(stat->stime, 23u);
  EXPECT_EQ(stat->cutime, 5u);
  EXPECT_EQ(stat->cstime, 7u);
  EXPECT_EQ(stat->start_ticks, 98765u);
  EXPECT_EQ(stat->rss_pages, 932);
}

TEST(ParseStat, RefusesWhatIsNone) {
  for (const char* text :
       {"", "1", "1 (x", "1 (x)", "x (x) S 1", "1 (x) S 1 1 1 0 -1 0 0 0 0 0 a 2 3 4 20 0 1 0 5 0 5 0", ") 1 ("}) {
    const auto stat = parse_stat(text);
    ASSERT_FALSE(stat) << text;
    EXPECT_EQ(stat.error().code, Errc::kCorrupt);
  }
}

TEST(Procfs, ReadsABuiltTree) {
  const test::TempDir root;
  const Host host{root / "proc", root / "sys"};
  test::write_file(root / "proc/1/stat", stat_line(1, "init", 0, 10));
  test::write_file(root / "proc/20/stat", stat_line(20, "worker", 1, 20));
  test::write_file(root / "proc/21/stat", stat_line(21, "engine", 20, 30));
  test::write_file(root / "proc/22/stat", stat_line(22, "child", 21, 40));
  test::write_file(root / "proc/30/stat", stat_line(30, "other", 1, 50));
  test::write_file(root / "proc/31/cmdline", "vanishing");  // no stat any more
  test::write_file(root / "proc/uptime", "1 1");
  test::write_file(root / "proc/21/environ", std::string("A=1\0MARKER=this one\0MARKERS=x\0", 30));
  test::write_file(root / "proc/21/cgroup", "9:name=systemd:/x\n8:pids:/\n0::/a/b c\n");
  test::write_file(root / "proc/30/cgroup", "9:name=systemd:/x\n");
  test::write_file(root / "proc/sys/kernel/random/boot_id", "5e0f0c4e-0000-4000-8000-000000000001\n");

  const auto below = read_descendants(host, 20);
  ASSERT_TRUE(below);
  ASSERT_EQ(below->size(), 2u);
  EXPECT_EQ((*below)[0].key(), (ProcessKey{21, 30}));
  EXPECT_EQ((*below)[1].key(), (ProcessKey{22, 40}));
  EXPECT_EQ(read_stat(host, 99).error().code, Errc::kGone);
  EXPECT_EQ(read_unified_cgroup(host, 21).value(), "/a/b c");
  EXPECT_EQ(read_unified_cgroup(host, 30).error().code, Errc::kUnsupported);
  EXPECT_EQ(read_boot_id(host).value(), "5e0f0c4e-0000-4000-8000-000000000001");
  EXPECT_EQ(read_environment_value(host, 21, "MARKER").value(), "this one");
  EXPECT_EQ(read_environment_value(host, 21, "MARK").error().code, Errc::kGone);
  const auto marked = find_marked(host, "MARKER");
  ASSERT_TRUE(marked);
  ASSERT_EQ(marked->size(), 1u);
  EXPECT_EQ(marked->front().key, (ProcessKey{21, 30}));
}

TEST(Procfs, AReusedPidMakesNoRing) {
  std::vector<ProcStat> all(2);
  all[0].pid = 5;
  all[0].ppid = 6;
  all[1].pid = 6;
  all[1].ppid = 5;
  EXPECT_EQ(descendants_of(5, all).size(), 2u);  // read at two moments, each the other's parent
}

TEST(Procfs, KnowsThisProcess) {
  const auto own = read_own_stat(Host::real());
  ASSERT_TRUE(own);
  EXPECT_EQ(own->pid, getpid());
  EXPECT_EQ(own->ppid, getppid());
  EXPECT_GT(own->rss_pages, 100);
  EXPECT_EQ(read_boot_id(Host::real())->size(), 36u);
}

}  // namespace
}  // namespace ffrtmp::sys
