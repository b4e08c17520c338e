#include "sys/spawn.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "sys/file_io.h"
#include "sys/pid_fd.h"
#include "sys/proc_fs.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::sys {
namespace {

using namespace std::chrono_literals;

// What `argv` writes to descriptor 1, and its wait status.
struct Outcome {
  std::string text;
  int status = -1;
};
Outcome run(Command command) {
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  command.fds.push_back({1, write_end.get()});
  auto child = spawn(command);
  EXPECT_TRUE(child) << child.error().message;
  write_end.reset();
  Outcome outcome;
  char buffer[4096];
  for (ssize_t n; (n = read(read_end.get(), buffer, sizeof buffer)) > 0;)
    outcome.text.append(buffer, static_cast<std::size_t>(n));
  if (child) waitpid(child->pid, &outcome.status, 0);
  return outcome;
}

TEST(Spawn, LeaksNothing) {
  const Fd leak(open("/dev/null", O_RDONLY));  // without O_CLOEXEC
  signal(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  Command command;
  // The directory's own descriptor is the one after the passed ones.
  command.argv = {"/bin/sh", "-c", "exec ls -l /proc/self/fd; "};
  command.env = {"PATH=/usr/bin:/bin"};
  const Outcome listing = run(command);
  command.argv = {"/usr/bin/grep", "-E", "^(SigBlk|SigIgn|NSsid|NSpid)", "/proc/self/status"};
  const Outcome signals = run(command);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  signal(SIGPIPE, SIG_DFL);

  EXPECT_EQ(listing.status, 0);
  EXPECT_EQ(split(trim(listing.text), '\n').size(), 5u) << listing.text;  // total, 0, 1, 2, 3 = the listing itself
  EXPECT_NE(signals.text.find("SigBlk:\t0000000000000000"), std::string::npos) << signals.text;
  EXPECT_NE(signals.text.find("SigIgn:\t0000000000000000"), std::string::npos) << signals.text;
}

TEST(Spawn, CrossesDescriptors) {
  const test::TempDir dir;
  test::write_file(dir / "a", "text of a");
  test::write_file(dir / "b", "text of b");
  const Fd a(open((dir / "a").c_str(), O_RDONLY | O_CLOEXEC));
  const Fd b(open((dir / "b").c_str(), O_RDONLY | O_CLOEXEC));
  Command command;
  command.argv = {"sh", "-c", cat("cat <&", b.get(), "; cat <&", a.get())};
  command.fds = {{b.get(), a.get()}, {a.get(), b.get()}};  // each takes the other's place
  EXPECT_EQ(run(command).text, "text of atext of b");
}

TEST(Spawn, SetsPlaceAndPriority) {
  const test::TempDir dir;
  Command command;
  command.argv = {"sh", "-c", "pwd; cut -d' ' -f19 /proc/self/stat; echo $VALUE"};
  command.env = {"PATH=/usr/bin:/bin", "VALUE=with space"};
  command.cwd = dir.path();
  command.nice = 11;
  EXPECT_EQ(run(command).text, cat(dir.path(), "\n11\nwith space\n"));
}

TEST(Spawn, ReportsWhatFailed) {
  const test::TempDir dir;
  Command command;
  command.argv = {"/nonexistent/program"};
  auto child = spawn(command);
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().sys, ENOENT);
  EXPECT_EQ(child.error().message, "start /nonexistent/program: exec: No such file or directory");

  command.argv = {"/etc"};
  EXPECT_EQ(spawn(command).error().sys, EACCES);
  command.argv = {"/bin/true"};
  command.cwd = dir / "none";
  EXPECT_EQ(spawn(command).error().message, "start /bin/true: chdir: No such file or directory");
  command.argv = {"no-such-program"};
  EXPECT_EQ(spawn(command).error().code, Errc::kGone);
  command.argv = {};
  EXPECT_EQ(spawn(command).error().code, Errc::kInvalid);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);  // failed ones were reaped
}

TEST(SpawnHeld, WaitsBeforeItsExec) {
  const test::TempDir dir;
  Command command;
  command.argv = {"/bin/sh", "-c", "echo ran >" + (dir / "out")};
  auto held = spawn_held(command);
  ASSERT_TRUE(held) << held.error().message;
  const pid_t pid = held->pid();
  EXPECT_EQ(read_stat(Host::real(), pid)->comm, read_own_stat(Host::real())->comm);  // still our program
  const auto key = read_stat(Host::real(), pid)->key();
  auto child = std::move(*held).release();
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EQ(child->pid, pid);
  EXPECT_EQ(key.pid, pid);
  ASSERT_TRUE(wait_ended(child->pidfd, 5s));
  EXPECT_EQ(read_stat(Host::real(), pid)->start_ticks, key.start_ticks);  // an exec keeps the identity
  waitpid(pid, nullptr, 0);
  EXPECT_EQ(test::read_file(dir / "out"), "ran\n");
}

TEST(SpawnHeld, EndsWhenItIsDropped) {
  const test::TempDir dir;
  Command command;
  command.argv = {"/bin/sh", "-c", "echo ran >" + (dir / "out")};
  {
    auto held = spawn_held(command);
    ASSERT_TRUE(held);
  }
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_NE(access((dir / "out").c_str(), F_OK), 0);
}

TEST(SpawnHeld, ReportsWhatFailedAtItsRelease) {
  Command command;
  command.argv = {"/nonexistent/program"};
  auto held = spawn_held(command);
  ASSERT_TRUE(held);
  auto child = std::move(*held).release();
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().sys, ENOENT);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);

  command.argv = {"/bin/true"};
  auto killed = spawn_held(command);
  ASSERT_TRUE(killed);
  const pid_t pid = killed->pid();
  kill(pid, SIGKILL);
  EXPECT_TRUE(std::move(*killed).release());
  int status = 0;
  waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
}

TEST(Spawn, NamespaceDiesWithItsInit) {
  if (geteuid() != 0) GTEST_SKIP() << "only root makes PID namespaces";
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  Command command;
  command.argv = {"sh", "-c", "echo $$; (trap '' HUP TERM; setsid sleep 1000 & sleep 1000) & sleep 1000"};
  command.fds = {{1, write_end.get()}};
  command.new_pid_namespace = true;
  auto child = spawn(command);
  if (!child && child.error().code == Errc::kDenied) GTEST_SKIP() << child.error().message;
  ASSERT_TRUE(child) << child.error().message;
  write_end.reset();
  char text[16] = {};
  ASSERT_EQ(read(read_end.get(), text, sizeof text), 2);
  EXPECT_EQ(std::string_view(text), "1\n");
  ASSERT_TRUE(send_signal(child->pidfd, SIGKILL));
  ASSERT_TRUE(wait_ended(child->pidfd, 5s));
  EXPECT_EQ(read(read_end.get(), text, sizeof text), 0);  // nobody holds the other end any more
  waitpid(child->pid, nullptr, 0);
  EXPECT_EQ(send_signal(child->pidfd, SIGKILL).error().code, Errc::kGone);
}

TEST(Pidfd, RefusesAnotherProcessWithThePid) {
  const auto own = read_own_stat(Host::real());
  ASSERT_TRUE(own);
  EXPECT_TRUE(open_pidfd(Host::real(), own->key()));
  EXPECT_EQ(open_pidfd(Host::real(), {own->pid, own->start_ticks + 1}).error().code, Errc::kGone);
}

}  // namespace
}  // namespace ffrtmp::sys
