#include "govern/process_facts.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/text.h"
#include "govern/filters.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::govern {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

std::string stat_line(pid_t pid, std::string_view name, pid_t ppid, std::uint64_t ticks) {
  return cat(pid, " (", name, ") S ", ppid, " 1 1 0 -1 0 0 0 0 0 1 2 3 4 20 0 3 0 ", ticks, " 0 5 0 1 2 777 0\n");
}

// A kernel in a directory, and a reader of it.
class FactsTest : public ::testing::Test {
 protected:
  FactsTest() {
    fs::create_directories(root_ / "proc");
    add(7, "a ) b c", 1, 123456);
  }
  void add(pid_t pid, std::string_view name, pid_t ppid, std::uint64_t ticks) {
    test::write_file(root_ / cat("proc/", pid, "/stat"), stat_line(pid, name, ppid, ticks));
  }
  void link(const std::string& name, const std::string& target) { fs::create_symlink(target, root_ / name); }
  Result<ProcessFacts> read(pid_t pid) {
    auto facts = reader_.read_names(pid);
    if (facts) FFRTMP_TRY(reader_.read_rest(*facts));
    return facts;
  }

  test::TempDir root_;
  sys::Host host_{root_ / "proc", root_ / "sys"};
  sys::ProcScanner scanner_ = [this] {
    fs::create_directories(root_ / "proc");
    return std::move(*sys::ProcScanner::open(host_));
  }();
  FactReader reader_{scanner_, 100};
};

TEST_F(FactsTest, WholeProcess) {
  test::write_file(root_ / "proc/7/cmdline", std::string("/usr/bin/ffmpeg\0-i\0\0a b\0", 24));
  test::write_file(root_ / "proc/7/cgroup", "9:memory:/m\n0::/u\n");
  test::write_file(root_ / "bin/ffmpeg-6.1", "");
  fs::create_directories(root_ / "work dir");
  link("proc/7/exe", root_ / "bin/ffmpeg-6.1");
  link("proc/7/cwd", root_ / "work dir");
  const auto facts = read(7);
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->key, (sys::ProcessKey{7, 123456}));
  EXPECT_EQ(facts->ppid, 1);
  EXPECT_EQ(facts->threads, 3u);
  EXPECT_EQ(facts->started, BootTime(1234s + 560ms));
  EXPECT_EQ(facts->names, (CommandNames{"ffmpeg-6.1", "ffmpeg"}));
  EXPECT_EQ(facts->argv(), (std::vector<std::string>{"/usr/bin/ffmpeg", "-i", "", "a b"}));
  EXPECT_EQ(facts->uid, getuid()) << "the owner of its directory";
  EXPECT_EQ(facts->cwd, root_ / "work dir");
  EXPECT_EQ(facts->membership(), (sys::Membership{{"memory", "/m"}, {"unified", "/u"}}));
}

// contract: G23
TEST_F(FactsTest, AgeOfACommWithBlanksAndBrackets) {
  const auto facts = reader_.read_names(7);
  ASSERT_TRUE(facts);
  FilterFacts now;
  now.age = BootTime(1234s + 600ms) - facts->started;
  EXPECT_EQ(now.age, 40ms);
  Filters filters;
  filters.min_runtime = 60s;
  EXPECT_EQ(decide(check_filters(now, filters)).kind, Verdict::Kind::kWait);
}

// What an event's first look saw is not read again, but for a process that runs another program by now.
TEST_F(FactsTest, WhatWasSeenHoldsForTheSameExecutable) {
  test::write_file(root_ / "proc/7/cmdline", std::string("now\0", 4));
  link("proc/7/exe", "/bin/ffmpeg");
  const auto process = scanner_.open_process(7);
  ASSERT_TRUE(process);
  const auto line = scanner_.read(*process);
  ASSERT_TRUE(line);
  const std::string seen("seen\0", 5);
  EXPECT_EQ(reader_.read_names(*line, *process, {"/bin/ffmpeg", seen, {}}).names.argv0, "seen");
  EXPECT_EQ(reader_.read_names(*line, *process, {"/bin/sh", seen, {}}).names.argv0, "now");
  EXPECT_EQ(reader_.read_names(*line, *process).names.argv0, "now");
}

TEST_F(FactsTest, WhatCannotBeReadIsAbsent) {
  const auto facts = read(7);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->names, CommandNames{});
  EXPECT_EQ(facts->cwd, std::nullopt);
  EXPECT_TRUE(facts->membership().empty());
  EXPECT_EQ(reader_.read_names(8).error().code, Errc::kGone);
}

TEST_F(FactsTest, DeletedIsStrippedOnlyFromWhatIsDeleted) {
  fs::create_directories(root_ / "here (deleted)");
  link("proc/7/cwd", root_ / "here (deleted)");
  link("proc/7/exe", root_ / "gone/ffmpeg (deleted)");
  const auto facts = read(7);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->cwd, root_ / "here (deleted)");
  EXPECT_EQ(facts->names.exe, "ffmpeg");
}

TEST_F(FactsTest, APidThatIsAnotherProcessMeanwhileIsGone) {
  auto facts = reader_.read_names(7);
  ASSERT_TRUE(facts);
  add(7, "other", 1, 123457);
  EXPECT_EQ(reader_.read_rest(*facts).error().code, Errc::kGone);
}

TEST_F(FactsTest, AParentWithoutNamesIsUnreadable) {
  EXPECT_FALSE(reader_.read_parent(7).is_readable);
  test::write_file(root_ / "proc/7/cmdline", std::string("-bash\0", 6));
  const auto parent = reader_.read_parent(7);
  EXPECT_TRUE(parent.is_readable);
  EXPECT_EQ(parent.names, (CommandNames{std::nullopt, "-bash"}));
}

TEST(ParseCmdline, Rows) {
  const auto parse = [](std::string_view text) { return parse_cmdline(text); };
  using List = std::vector<std::string>;
  EXPECT_EQ(parse(""), List{});
  EXPECT_EQ(parse({"\0\0", 2}), List{});
  EXPECT_EQ(parse({"a\0", 2}), List{"a"});
  EXPECT_EQ(parse("a"), List{"a"});
  EXPECT_EQ(parse({"a\0\0b\0\0\0", 7}), (List{"a", "", "b"}));
}

// A child of this test that runs `program` with that argv[0].
class Child {
 public:
  Child(const std::string& program, const std::string& argv0) {
    int ready[2];
    EXPECT_EQ(pipe2(ready, 0), 0);
    pid_ = fork();
    if (pid_ == 0) {
      close(ready[0]);
      fcntl(ready[1], F_SETFD, FD_CLOEXEC);
      execl(program.c_str(), argv0.c_str(), "60", nullptr);
      _exit(127);
    }
    close(ready[1]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 0) << "closed by the exec";
    close(ready[0]);
  }
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

class RealFacts : public ::testing::Test {
 protected:
  ProcessFacts names_of(pid_t pid) {
    auto facts = reader_.read_names(pid);
    EXPECT_TRUE(facts);
    return facts ? *facts : ProcessFacts{};
  }
  test::TempDir dir_;
  sys::Host host_ = sys::Host::real();
  sys::ProcScanner scanner_ = std::move(*sys::ProcScanner::open(host_));
  FactReader reader_{scanner_, sysconf(_SC_CLK_TCK)};
};

// contract: G24
TEST_F(RealFacts, ExecDashA) {
  const Child child("/bin/sleep", "ffmpeg");
  const CommandNames names = names_of(child.pid()).names;
  EXPECT_EQ(names, (CommandNames{"sleep", "ffmpeg"}));
}

// contract: G48
TEST_F(RealFacts, ASymlinkKeepsTheNameItWasCalledBy) {
  fs::copy_file("/bin/sleep", dir_ / "ffmpeg-6.1");
  fs::create_symlink(dir_ / "ffmpeg-6.1", dir_ / "ffmpeg");
  const Child child(dir_ / "ffmpeg", dir_ / "ffmpeg");
  EXPECT_EQ(names_of(child.pid()).names, (CommandNames{"ffmpeg-6.1", "ffmpeg"}));
}

TEST_F(RealFacts, AReplacedBinaryKeepsItsName) {
  fs::copy_file("/bin/sleep", dir_ / "ffmpeg");
  const Child child(dir_ / "ffmpeg", "x");
  fs::remove(dir_ / "ffmpeg");
  const ProcessFacts facts = names_of(child.pid());
  EXPECT_EQ(facts.names.exe, "ffmpeg");
  EXPECT_EQ(facts.exe, dir_ / "ffmpeg");
}

// A process that changed its user may not be looked into: its files are root's, its directory is not.
TEST_F(RealFacts, TheUserIsTheEffectiveOne) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const bool changed = setresuid(0, 65534, 1) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)!write(ready[1], &changed, 1);
    for (;;) pause();
  }
  bool changed = false;
  ASSERT_EQ(::read(ready[0], &changed, 1), 1);
  EXPECT_TRUE(changed);
  auto facts = reader_.read_names(child);
  ASSERT_TRUE(facts);
  EXPECT_TRUE(reader_.read_rest(*facts));
  EXPECT_EQ(facts->uid, 65534u);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_EQ(reader_.read_rest(*facts).error().code, Errc::kGone);
}

TEST_F(RealFacts, AgeIsThatOfTheProcess) {
  const auto before = BootClock::now();
  const Child child("/bin/sleep", "x");
  const auto started = names_of(child.pid()).started;
  EXPECT_GE(started, before - 10ms) << "one clock tick";
  EXPECT_LE(started, BootClock::now());
}

}  // namespace
}  // namespace ffrtmp::govern
