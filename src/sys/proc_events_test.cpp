#include "sys/proc_events.h"

#include <gtest/gtest.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

extern char** environ;

namespace ffrtmp::sys {
namespace {

using Kind = ProcEvents::Kind;

pid_t run_true() {
  pid_t pid = 0;
  char name[] = "true";
  char* argv[] = {name, nullptr};
  EXPECT_EQ(posix_spawn(&pid, "/bin/true", nullptr, nullptr, argv, environ), 0);
  return pid;
}

// Collects until an event of that process has come, five seconds at most.
bool comes(ProcEvents& source, std::vector<ProcEvent>& events, pid_t pid) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  const auto is_it = [&](const ProcEvent& e) { return e.pid == pid; };
  while (std::none_of(events.begin(), events.end(), is_it)) {
    if (std::chrono::steady_clock::now() > until) return false;
    pollfd item{source.fd(), POLLIN, 0};
    poll(&item, 1, 100);
    if (!source.drain(events)) return false;
  }
  return true;
}

// The connector answers in the initial namespaces and to CAP_NET_ADMIN only.
#define OPEN_OR_SKIP(name, kind, options)                                                     \
  auto name##_result = ProcEvents::open(kind, options);                                       \
  if (!name##_result) GTEST_SKIP() << "no process events: " << name##_result.error().message; \
  ProcEvents name = std::move(*name##_result)

TEST(ProcEvents, TellExecAndExit) {
  OPEN_OR_SKIP(execs, Kind::kExec, ProcEvents::Options{});
  OPEN_OR_SKIP(exits, Kind::kExit, ProcEvents::Options{});
  const pid_t pid = run_true();
  std::vector<ProcEvent> seen;
  EXPECT_TRUE(comes(execs, seen, pid));
  seen.clear();
  EXPECT_TRUE(comes(exits, seen, pid));
  waitpid(pid, nullptr, 0);
}

// contract: G27
TEST(ProcEvents, ATinyBufferOverflowsAndSaysSo) {
  OPEN_OR_SKIP(events, Kind::kExec, (ProcEvents::Options{4096, std::chrono::milliseconds(1000)}));
  for (int i = 0; i < 200; ++i) waitpid(run_true(), nullptr, 0);
  int overflows = 0;
  std::vector<ProcEvent> lost;
  for (;;) {
    const auto drained = events.drain(lost);
    ASSERT_TRUE(drained) << drained.error().message;
    overflows += drained->has_overflowed ? 1 : 0;
    if (!drained->has_more) break;
  }
  EXPECT_GE(overflows, 1);
  EXPECT_LT(lost.size(), 200u);
  const pid_t pid = run_true();
  EXPECT_TRUE(comes(events, lost, pid)) << "it goes on after the loss";
  waitpid(pid, nullptr, 0);
}

TEST(ProcEvents, AnExitTellsHow) {
  OPEN_OR_SKIP(events, Kind::kExit, ProcEvents::Options{});
  const pid_t child = fork();
  if (child == 0) _exit(42);
  std::vector<ProcEvent> seen;
  ASSERT_TRUE(comes(events, seen, child));
  int status = 0;
  waitpid(child, &status, 0);
  const auto exit = std::find_if(seen.begin(), seen.end(), [&](const ProcEvent& e) { return e.pid == child; });
  EXPECT_EQ(exit->wait_status, status);
}

// waitpid(2) tells what the thread that ended the process said, and so does the last event of it.
TEST(ProcEvents, TheLastExitOfAProcessTellsHowItEnded) {
  OPEN_OR_SKIP(events, Kind::kExit, ProcEvents::Options{});
  const pid_t child = fork();
  if (child == 0) {
    std::thread([] {
      usleep(100'000);
      _exit(3);
    }).detach();
    syscall(SYS_exit, 0);  // the first thread alone
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_EQ(WEXITSTATUS(status), 3);
  std::vector<ProcEvent> seen;
  for (int i = 0; i < 100 && (seen.empty() || seen.back().is_leader); ++i) {
    ASSERT_TRUE(events.drain(seen));
    std::erase_if(seen, [&](const ProcEvent& e) { return e.pid != child; });
    usleep(10'000);
  }
  ASSERT_GE(seen.size(), 2u);  // a sanitizer has threads of its own
  EXPECT_TRUE(seen.front().is_leader);
  EXPECT_EQ(seen.front().wait_status, 0);
  EXPECT_FALSE(seen.back().is_leader);
  EXPECT_EQ(seen.back().wait_status, status);
}

// Whether the connector leaves them out or the socket's filter: nobody is woken by them.
TEST(ProcEvents, OtherKindsDoNotWakeTheListener) {
  OPEN_OR_SKIP(events, Kind::kExec, ProcEvents::Options{});
  std::vector<ProcEvent> seen;
  for (int i = 0; i < 20; ++i) {
    const pid_t child = fork();  // a fork, a uid event or two, an exit; no exec
    if (child == 0) _exit(setresuid(1, 1, 1));
    waitpid(child, nullptr, 0);
    while (events.drain(seen)->has_more) {
    }
    pollfd item{events.fd(), POLLIN, 0};
    if (poll(&item, 1, 0) == 0) continue;
    const std::size_t before = seen.size();  // somebody else's exec, which is let through
    ASSERT_TRUE(events.drain(seen));
    EXPECT_GT(seen.size(), before) << "woken by something that is no exec";
  }
}

TEST(ProcEvents, AForgedMessageOfAnotherProcessIsIgnored) {
  OPEN_OR_SKIP(events, Kind::kExec, ProcEvents::Options{});
  sockaddr_nl own{};
  socklen_t size = sizeof own;
  ASSERT_EQ(getsockname(events.fd(), reinterpret_cast<sockaddr*>(&own), &size), 0);
  const Fd forger(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR));
  ASSERT_TRUE(forger);
  // An exec event of process 424242, shaped as the kernel shapes it.
  char text[76] = {};
  nlmsghdr header{};
  header.nlmsg_len = sizeof text;
  header.nlmsg_type = NLMSG_DONE;
  cn_msg message{};
  message.id = {1, 1};
  message.len = 40;
  const std::uint32_t what = 2;
  const pid_t pids[2] = {424242, 424242};
  std::memcpy(text, &header, sizeof header);
  std::memcpy(text + 16, &message, sizeof message);
  std::memcpy(text + 36, &what, sizeof what);
  std::memcpy(text + 52, pids, sizeof pids);
  ASSERT_EQ(sendto(forger.get(), text, sizeof text, 0, reinterpret_cast<const sockaddr*>(&own), sizeof own),
            static_cast<ssize_t>(sizeof text))
      << std::strerror(errno);
  const pid_t pid = run_true();
  std::vector<ProcEvent> seen;
  EXPECT_TRUE(comes(events, seen, pid));
  EXPECT_TRUE(std::none_of(seen.begin(), seen.end(), [](const ProcEvent& e) { return e.pid == 424242; }));
  waitpid(pid, nullptr, 0);
}

}  // namespace
}  // namespace ffrtmp::sys
