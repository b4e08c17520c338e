#include "sys/proc_scan.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>

#include "base/text.h"
#include "sys/file_io.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::sys {
namespace {

// Linux 6.1, Debian 12, `cat /proc/PID/stat` of a process renamed by prctl(PR_SET_NAME, "a) R (b").
constexpr std::string_view kRenamed =
    "4242 (a) R (b) S 17 4242 4100 34816 4300 4194304 520 31 2 0 117 23 5 7 20 0 3 0 98765 11231232 932 "
    "18446744073709551615 94046 94047 140735 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

std::string stat_line(pid_t pid, std::string_view name, std::string_view flags = "4194304") {
  return cat(pid, " (", name, ") S 1 1 1 0 -1 ", flags, " 0 0 0 0 1 2 3 4 20 0 1 0 77 0 5 0 1 2 3 0\n");
}

TEST(ProcLine, NameMayHoldParenthesesAndSpaces) {
  const auto line = parse_proc_line(kRenamed);
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line->pid, 4242);
  EXPECT_EQ(line->comm, "a) R (b");
  EXPECT_EQ(line->state, 'S');
  EXPECT_EQ(line->ppid, 17);
  EXPECT_EQ(line->threads, 3u);
  EXPECT_EQ(line->start_ticks, 98765u);
  EXPECT_EQ(line->start_stack, 140735u);
  EXPECT_FALSE(line->is_kernel_thread());
}

TEST(ProcLine, KernelThreadsAreSeenByTheirFlag) {
  const std::string text = stat_line(3, "rcu_gp", "2129984");
  EXPECT_TRUE(parse_proc_line(text)->is_kernel_thread());
}

TEST(ProcLine, RefusesWhatIsNone) {
  for (const char* text : {"", "1", "1 (x", "1 (x)", "x (x) S 1", ") 1 (", "1 (x) S 1 2 3 4 5 6 7\n",
                           "1 (x) S 1 1 1 0 -1 0 0 0 0 0 1 2 3 4 20 0 1 0 z 0 5 0 1 2 3 0"}) {
    const auto line = parse_proc_line(text);
    ASSERT_FALSE(line) << text;
    EXPECT_EQ(line.error().code, Errc::kCorrupt);
  }
}

TEST(ProcScanner, WalksABuiltTree) {
  const test::TempDir root;
  test::write_file(root / "proc/1/stat", stat_line(1, "init"));
  test::write_file(root / "proc/20/stat", stat_line(20, "a ) b c"));
  test::write_file(root / "proc/31/cmdline", "vanishing");
  test::write_file(root / "proc/uptime", "1 1");
  auto scanner = ProcScanner::open({root / "proc", root / "sys"});
  ASSERT_TRUE(scanner);
  std::map<pid_t, std::string> found;
  for (int round = 0; round < 2; ++round) {
    found.clear();
    ASSERT_TRUE(scanner->walk([&](const ProcLine& line) {
      found[line.pid] = line.comm;
      return true;
    }));
    EXPECT_EQ(found, (std::map<pid_t, std::string>{{1, "init"}, {20, "a ) b c"}}));
  }
  EXPECT_EQ(scanner->read(31).error().code, Errc::kGone);
}

TEST(ProcScanner, AgreesWithTheSlowReaderAboutThisProcess) {
  const Host host = Host::real();
  auto scanner = ProcScanner::open(host);
  ASSERT_TRUE(scanner);
  const auto slow = read_own_stat(host);
  ASSERT_TRUE(slow);
  const auto line = scanner->read(slow->pid);
  ASSERT_TRUE(line);
  EXPECT_EQ(line->key(), slow->key());
  EXPECT_EQ(line->ppid, slow->ppid);
  EXPECT_EQ(line->comm, slow->comm);
}

TEST(ProcScanner, AnExecChangesTheStamp) {
  int gate[2];
  ASSERT_EQ(pipe(gate), 0);
  const pid_t child = fork();
  if (child == 0) {
    char go = 0;
    close(gate[1]);
    (void)!read(gate[0], &go, 1);
    execl("/bin/sleep", "sleep", "30", nullptr);
    _exit(127);
  }
  auto scanner = ProcScanner::open(Host::real());
  ASSERT_TRUE(scanner);
  const std::uint64_t before = scanner->read(child)->exec_stamp();
  close(gate[1]);
  bool changed = false;
  for (int i = 0; i < 500 && !changed; ++i) {
    usleep(10'000);
    changed = scanner->read(child)->exec_stamp() != before;
  }
  EXPECT_TRUE(changed);
  close(gate[0]);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace ffrtmp::sys
