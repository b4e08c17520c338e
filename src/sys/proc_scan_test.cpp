#include "sys/proc_scan.h"

#include <gtest/gtest.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <set>

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
  for (int round = 0; round < 2; ++round) {
    std::set<pid_t> found;
    ASSERT_TRUE(scanner->walk([&](pid_t pid) { return found.insert(pid).second; }));
    EXPECT_EQ(found, (std::set<pid_t>{1, 20, 31}));
  }
  EXPECT_EQ(scanner->read(1)->comm, "init");
  EXPECT_EQ(scanner->read(20)->comm, "a ) b c");
  EXPECT_EQ(scanner->read(31).error().code, Errc::kGone);
}

TEST(ProcScanner, AWalkEndsWhereItsVisitorSaysSo) {
  const test::TempDir root;
  for (const char* file : {"proc/1/stat", "proc/2/stat"}) test::write_file(root / file, stat_line(1, "x"));
  auto scanner = ProcScanner::open({root / "proc", root / "sys"});
  ASSERT_TRUE(scanner);
  int visits = 0;
  EXPECT_TRUE(scanner->walk([&](pid_t) { return ++visits > 1; }));
  EXPECT_EQ(visits, 1);
  const Status failed = scanner->walk([](pid_t) -> Result<bool> { return make_error(Errc::kIo, "no"); });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "no");
}

// The number of a process that ended may be another's at once: an opened directory is never of that one.
TEST(ProcScanner, AnOpenedProcessStaysItself) {
  auto scanner = ProcScanner::open(Host::real());
  ASSERT_TRUE(scanner);
  const auto start = [](pid_t wanted) {
    std::array<pid_t, 1> numbers{wanted};
    clone_args args{};
    args.exit_signal = SIGCHLD;
    if (wanted != 0) args.set_tid = reinterpret_cast<std::uint64_t>(numbers.data());
    args.set_tid_size = wanted == 0 ? 0 : 1;
    const auto pid = static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof args));
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      pause();
      _exit(0);
    }
    return pid;
  };
  const auto end = [](pid_t pid) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  };
  const pid_t first = start(0);
  const auto opened = scanner->open_process(first);
  ASSERT_TRUE(opened);
  EXPECT_EQ(scanner->read(*opened)->key(), scanner->read(first)->key());
  end(first);
  const pid_t second = start(first);
  if (second < 0 && errno == EPERM) GTEST_SKIP() << "needs root";
  ASSERT_EQ(second, first);
  EXPECT_TRUE(scanner->read(first));
  const auto late = scanner->read(*opened);
  EXPECT_FALSE(late);
  end(second);
  EXPECT_EQ(scanner->open_process(first).error().code, Errc::kGone);
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
