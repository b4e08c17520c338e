// Real supervisors with /bin/sh as the engine. This executable is the program they run: see main below.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <functional>
#include <thread>

#include "base/ids.h"
#include "base/text.h"
#include "supervisor/link.h"
#include "supervisor/protocol.h"
#include "sys/cgroup.h"
#include "sys/file_io.h"
#include "sys/pid_fd.h"
#include "sys/proc_fs.h"
#include "tests/support/eventually.h"
#include "tests/support/own_cgroup.h"
#include "tests/support/sanitized.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::supervisor {
namespace {

using test::eventually;

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Of an instrumented one, also its shadow memory and the freed blocks that it holds back.
constexpr std::int64_t kMaxRssKib = (test::kIsSanitized ? 100 : 6) << 10;

std::string g_program;
const sys::Host g_host = sys::Host::real();

// Polls for a fact of the kernel's that raises no event.
std::vector<sys::MarkedProcess> processes_of(const std::string& attempt) {
  auto all = sys::find_marked(g_host, kAttemptVariable);
  EXPECT_TRUE(all) << all.error().message;
  std::erase_if(*all, [&](const auto& process) { return process.value != attempt; });
  return *all;
}

int open_descriptors() {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

// Scripts that catch SIGTERM stand in `wait`: dash loses a signal that arrives while it starts a program.

// Grouped as the product does where the kernel lets it, and by signals alone.
enum class Grouping { kCgroup, kSignals };

// As the worker does: the groups are there before the supervisor.
Result<Prepared> prepare_in(const std::string& dir, const Plan& plan) {
  if (!plan.cgroup.empty()) FFRTMP_TRY(test::make_cgroup(plan.cgroup));
  return Prepared::start(g_program, dir, plan);
}

Result<std::unique_ptr<Link>> start_in(const std::string& dir, const Plan& plan) {
  FFRTMP_ASSIGN(Prepared prepared, prepare_in(dir, plan));
  return std::move(prepared).run(plan);
}

class SupervisorTest : public testing::TestWithParam<Grouping> {
 protected:
  void SetUp() override {
    descriptors_ = open_descriptors();
    // Supervisors whose worker died become ours, so that none stays a zombie.
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (GetParam() == Grouping::kSignals) return;
    const auto own = test::find_own_cgroup(g_host);
    if (!own) GTEST_SKIP() << "no unified group to write: " << own.error().message;
    base_ = cat(*own, "/ffrtmp-test-", getpid());
    ASSERT_TRUE(test::make_cgroup(base_));
  }

  void TearDown() override {
    // No process, no group, no descriptor is left behind.
    for (const std::string& attempt : attempts_)
      EXPECT_TRUE(eventually([&] { return processes_of(attempt).empty(); }, 3s))
          << "processes of " << attempt << " left";
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    if (!base_.empty()) {
      std::error_code error;
      for (const auto& entry : std::filesystem::directory_iterator(base_ + "/ffrtmp", error))
        if (entry.is_directory()) ADD_FAILURE() << "group left: " << entry.path();
      EXPECT_TRUE(sys::remove_group(base_));
    }
    EXPECT_EQ(open_descriptors(), descriptors_);
  }

  Plan plan_of(const std::string& script) {
    const Now now = SystemClock().now();
    Plan plan;
    plan.attempt = RandomIds().next(now.utc).str();
    plan.argv = {"/bin/sh", "-c", script, "sh", "{progress}"};
    plan.env = {"PATH=/usr/bin:/bin"};
    plan.cwd = "/";
    if (!base_.empty()) plan.cgroup = cat(base_, "/ffrtmp/", plan.attempt);
    attempts_.push_back(plan.attempt);
    return plan;
  }
  std::string dir_of(const Plan& plan) const { return state_ / cat("attempts/", plan.attempt); }

  std::unique_ptr<Link> start(const Plan& plan) {
    auto link = start_in(dir_of(plan), plan);
    EXPECT_TRUE(link) << link.error().message;
    return link ? std::move(*link) : nullptr;
  }

  // Polls until `fact` holds of the state.
  static State wait_for(Link& link, const std::function<bool(const State&)>& fact, milliseconds patience = 20s) {
    const auto until = steady_clock::now() + patience;
    State state;
    while (steady_clock::now() < until) {
      auto polled = link.poll(200ms);
      if (!polled) {
        ADD_FAILURE() << polled.error().message;
        return state;
      }
      state = *polled;
      if (fact(state)) return state;
    }
    ADD_FAILURE() << "not within " << patience.count() << " ms";
    return state;
  }
  static Exit wait_exit(Link& link, milliseconds patience = 20s) {
    const State state = wait_for(
        link, [](const State& s) { return s.exit.has_value(); }, patience);
    return state.exit.value_or(Exit{});
  }
  static void wait_log(Link& link, std::int64_t bytes) {
    wait_for(link, [&](const State& s) { return s.log_end >= bytes; });
  }
  static std::string whole_log(const std::string& dir) {
    std::string text;
    for (std::int64_t offset = 0;;) {
      auto chunk = read_log(dir, offset, 1 << 20);
      EXPECT_TRUE(chunk) << chunk.error().message;
      if (!chunk || chunk->next_offset == offset) return text;
      text += chunk->data;
      offset = chunk->next_offset;
    }
  }
  sys::ProcessKey supervisor_of(const Plan& plan) {
    const auto identity = load_identity(dir_of(plan));
    EXPECT_TRUE(identity);
    return {static_cast<pid_t>(identity->pid), static_cast<std::uint64_t>(identity->start_ticks)};
  }

  test::TempDir state_;
  std::string base_;

 private:
  std::vector<std::string> attempts_;
  int descriptors_ = 0;
};

INSTANTIATE_TEST_SUITE_P(All, SupervisorTest, testing::Values(Grouping::kCgroup, Grouping::kSignals),
                         [](const auto& param) { return param.param == Grouping::kCgroup ? "Cgroup" : "Signals"; });

TEST_P(SupervisorTest, RunsAnEngineToItsEnd) {
  const Plan plan = plan_of("echo out; echo err >&2; printf 'frame=3\\nprogress=end\\n' >&3; echo $1; pwd; exit 7");
  auto link = start(plan);
  const Exit exit = wait_exit(*link);
  EXPECT_EQ(exit.cause, EndCause::kExited);
  EXPECT_EQ(exit.exit_code, 7);
  EXPECT_FALSE(exit.signal);
  EXPECT_EQ(exit.last_progress, "frame=3\nprogress=end\n");
  EXPECT_EQ(whole_log(dir_of(plan)), "out\nerr\npipe:3\n/\n");
  EXPECT_EQ(test::read_file(dir_of(plan) + "/progress"), "frame=3\nprogress=end\n");
  EXPECT_GT(exit.run_seconds, 0);
  EXPECT_GT(exit.max_rss_bytes, 100 * 1024);
  EXPECT_EQ(test::read_file(dir_of(plan) + "/supervisor.err"), "");
  link.reset();
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(dir_of(plan) + "/control.sock"); }));
}

TEST_P(SupervisorTest, ReportsTheSignalThatKilledTheEngine) {
  auto link = start(plan_of("kill -SEGV $$"));
  const Exit exit = wait_exit(*link);
  EXPECT_EQ(exit.cause, EndCause::kExited);
  EXPECT_EQ(exit.signal, SIGSEGV);
  EXPECT_FALSE(exit.exit_code);
}

TEST_P(SupervisorTest, CannotStartWhatIsNotThere) {
  Plan plan = plan_of("");
  plan.argv = {"/nonexistent/ffmpeg"};
  auto link = start(plan);
  const auto state = link->poll(1s);
  ASSERT_TRUE(state && state->exit);
  EXPECT_FALSE(state->started);
  EXPECT_EQ(state->exit->cause, EndCause::kStartFailed);
  EXPECT_NE(state->exit->error.find("/nonexistent/ffmpeg: exec: No such file"), std::string::npos)
      << state->exit->error;
}

TEST_P(SupervisorTest, AddsUpTheTimeOfTheWholeTree) {
  auto link = start(plan_of("burn() { i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done; }; (burn) & (burn) & wait"));
  const Exit exit = wait_exit(*link);
  EXPECT_GT(exit.cpu_seconds, 0.05);
  EXPECT_LT(exit.cpu_seconds, 20);
}

TEST_P(SupervisorTest, KillsWhatTheEngineLeavesBehind) {
  const Plan plan =
      plan_of("trap '' TERM; (setsid sleep 1000 & sleep 1000 & wait) >/dev/null 2>&1 & echo ready; sleep 0.2; exit 0");
  auto link = start(plan);
  const Exit exit = wait_exit(*link);
  EXPECT_EQ(exit.exit_code, 0);
  for (const sys::MarkedProcess& process : processes_of(plan.attempt)) {
    const auto stat = sys::read_stat(g_host, process.key.pid);
    EXPECT_TRUE(!stat || stat->comm != "sleep");  // the supervisor itself may linger
  }
}

TEST_P(SupervisorTest, GivesTheEngineThePlansEnvironmentOnly) {
  Plan plan = plan_of("");
  plan.argv = {"/usr/bin/env"};
  auto link = start(plan);
  wait_exit(*link);
  EXPECT_EQ(whole_log(dir_of(plan)), cat("PATH=/usr/bin:/bin\nFFRTMP_ATTEMPT=", plan.attempt, "\n"));
}

TEST_P(SupervisorTest, GivesTheEngineItsDescriptorsAndNice) {
  const Plan plan = plan_of("exec readlink /proc/self/fd/0 /proc/self/fd/4 /proc/self/fd/5 /proc/self/fd/6");
  auto link = start(plan);
  EXPECT_EQ(wait_exit(*link).exit_code, 1);  // 4 and up are not there
  EXPECT_EQ(whole_log(dir_of(plan)), "/dev/null\n");
  const Plan niced = plan_of("cut -d' ' -f19 /proc/self/stat");
  auto second = start(niced);
  wait_exit(*second);
  EXPECT_EQ(whole_log(dir_of(niced)), "10\n");
}

// contract: F23
TEST_P(SupervisorTest, OutlivesItsWorkerAndIsAdopted) {
  const std::string gate = state_ / "gate";
  const Plan plan = plan_of(cat("echo one; while [ ! -e ", gate, " ]; do sleep 0.02; done; echo two >&2; exit 42"));
  const pid_t worker = fork();
  ASSERT_GE(worker, 0);
  if (worker == 0) {
    auto link = start_in(dir_of(plan), plan);
    if (!link) _exit(1);
    for (;;) pause();
  }
  ASSERT_TRUE(eventually([&] { return read_log(dir_of(plan), 0, 10).value_or({}).data == "one\n"; }));
  kill(worker, SIGKILL);
  ASSERT_EQ(waitpid(worker, nullptr, 0), worker);

  auto link = Link::adopt(dir_of(plan));
  ASSERT_TRUE(link) << link.error().message;
  auto state = (*link)->poll(0ms);
  ASSERT_TRUE(state);
  EXPECT_TRUE(state->started);
  EXPECT_FALSE(state->exit);
  test::write_file(gate, "");
  EXPECT_EQ(wait_exit(**link).exit_code, 42);
  EXPECT_EQ(whole_log(dir_of(plan)), "one\ntwo\n");
}

TEST_P(SupervisorTest, LeavesItsExitForAWorkerThatComesLater) {
  const Plan plan = plan_of("echo done; exit 9");
  const pid_t worker = fork();
  ASSERT_GE(worker, 0);
  if (worker == 0) {
    auto link = start_in(dir_of(plan), plan);
    _exit(link ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(worker, &status, 0), worker);
  ASSERT_EQ(status, 0);
  ASSERT_TRUE(eventually([&] { return !std::filesystem::exists(dir_of(plan) + "/control.sock"); }));
  auto link = Link::adopt(dir_of(plan));
  ASSERT_TRUE(link) << link.error().message;
  const auto state = (*link)->poll(0ms);
  ASSERT_TRUE(state && state->exit);
  EXPECT_EQ(state->exit->exit_code, 9);
  EXPECT_EQ(state->log_end, 5);
  EXPECT_TRUE((*link)->cancel(0ms));  // taken as done
  EXPECT_EQ(Link::adopt(state_ / "attempts/none").error().code, Errc::kGone);
}

// contract: F24
TEST_P(SupervisorTest, TakesTheWholeTreeWithItWhenKilled) {
  if (geteuid() != 0) GTEST_SKIP() << "without root only its own child dies with a supervisor";
  const Plan plan =
      plan_of("trap '' TERM HUP; (setsid sh -c 'sleep 1000 & sleep 1000') & (sleep 1000 & wait) & echo ready; wait");
  auto link = start(plan);
  wait_log(*link, 6);
  ASSERT_TRUE(eventually([&] { return processes_of(plan.attempt).size() >= 5; }));
  const auto pidfd = sys::open_pidfd(g_host, supervisor_of(plan));
  ASSERT_TRUE(pidfd);
  ASSERT_TRUE(sys::send_signal(*pidfd, SIGKILL));
  ASSERT_TRUE(sys::wait_ended(*pidfd, 2s));
  EXPECT_TRUE(processes_of(plan.attempt).empty());  // at once: the kernel killed them before the init ended
  const auto polled = link->poll(1s);
  ASSERT_FALSE(polled);
  EXPECT_EQ(polled.error().code, Errc::kGone);
  EXPECT_TRUE(link->cancel(0ms));
  EXPECT_TRUE(kill_strays(state_ / "attempts", {}));  // removes the empty group
}

TEST_P(SupervisorTest, WhatAKilledSupervisorLeavesIsEnded) {
  const std::string script = "trap '' TERM; setsid sleep 1000 & echo ready; sleep 1000";
  const Plan plan = plan_of(script);
  const Plan other = plan_of(script);
  auto link = start(plan);
  auto other_link = start(other);
  wait_log(*link, 6);
  wait_log(*other_link, 6);
  const auto pidfd = sys::open_pidfd(g_host, supervisor_of(plan));
  ASSERT_TRUE(pidfd);
  ASSERT_TRUE(sys::send_signal(*pidfd, SIGKILL));
  EXPECT_TRUE(kill_attempt(dir_of(plan)));
  EXPECT_TRUE(processes_of(plan.attempt).empty());
  if (!base_.empty()) {
    EXPECT_FALSE(std::filesystem::exists(cat(base_, "/ffrtmp/", plan.attempt)));
  }
  EXPECT_GE(processes_of(other.attempt).size(), 3u);
  ASSERT_TRUE(other_link->cancel(0ms));
  wait_exit(*other_link);
}

TEST_P(SupervisorTest, DroppedBeforeItsEngineItEnds) {
  const Plan plan = plan_of("echo never");
  {
    auto prepared = prepare_in(dir_of(plan), plan);
    ASSERT_TRUE(prepared) << prepared.error().message;
    ASSERT_TRUE(eventually([&] { return !processes_of(plan.attempt).empty(); }));
  }
  EXPECT_TRUE(processes_of(plan.attempt).empty());
  EXPECT_FALSE(Link::adopt(dir_of(plan)));
  if (!base_.empty()) {
    EXPECT_TRUE(sys::remove_group(plan.cgroup)) << "its maker finds it empty";
  }
}

TEST_P(SupervisorTest, TheFinalPlanIsTheOneThatRuns) {
  Plan plan = plan_of("echo early");
  auto prepared = prepare_in(dir_of(plan), plan);
  ASSERT_TRUE(prepared) << prepared.error().message;
  plan.argv = plan_of("echo late").argv;
  auto link = std::move(*prepared).run(plan);
  ASSERT_TRUE(link) << link.error().message;
  wait_exit(**link);
  EXPECT_EQ(read_log(dir_of(plan), 0, 100)->data, "late\n");
}

TEST_P(SupervisorTest, ASecondEngineGoesOnWithTheLogOfTheFirst) {
  Plan plan = plan_of("echo first; exit 7");
  auto first = start(plan);
  EXPECT_EQ(wait_exit(*first).exit_code, 7);
  first.reset();
  ASSERT_TRUE(kill_attempt(dir_of(plan)));
  plan.argv = plan_of("echo second; sleep 1000").argv;
  auto second = start(plan);
  wait_log(*second, 13);
  EXPECT_EQ(read_log(dir_of(plan), 0, 100)->data, "first\nsecond\n");
  EXPECT_FALSE(second->poll(0ms)->exit) << "the first one's end is not the second's";
  ASSERT_TRUE(second->cancel(0ms));
  wait_exit(*second);
}

// A group of a v1 hierarchy, next to the caller's own; removed with the test if the supervisor did not.
class V1Group {
 public:
  // Which controllers are v1 is read from the kernel's list of mounts, not asked of the code under test.
  static std::optional<V1Group> make(const std::string& controller, const std::string& name) {
    const std::string mount = "/sys/fs/cgroup/" + controller;
    const auto mounts = sys::read_text("/proc/self/mounts");
    if (!mounts || mounts->find(cat(" ", mount, " cgroup ")) == std::string::npos || geteuid() != 0)
      return std::nullopt;
    V1Group group(cat(mount, "/ffrtmp-test-", name));
    if (!std::filesystem::create_directory(group.path_)) return std::nullopt;
    return group;
  }
  V1Group(V1Group&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  V1Group(const V1Group&) = delete;
  ~V1Group() {
    if (!path_.empty()) rmdir(path_.c_str());
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string read(const std::string& file) const {
    return std::string(trim(sys::read_text(cat(path_, "/", file)).value_or("")));
  }
  void write(const std::string& file, const std::string& text) const {
    const sys::Fd fd(open(cat(path_, "/", file).c_str(), O_WRONLY));
    EXPECT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size())) << file;
  }

 private:
  explicit V1Group(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

TEST_P(SupervisorTest, TheEngineIsBornInJoinedGroupsAndTheSupervisorLeavesThem) {
  Plan plan = plan_of("cat /proc/self/cgroup; sleep 1000");
  const auto pids = V1Group::make("pids", plan.attempt);
  if (!pids) GTEST_SKIP() << "no v1 pids hierarchy to write";
  const std::string name = cat("/ffrtmp-test-", plan.attempt);
  plan.joins = {{pids->path(), "/sys/fs/cgroup/pids"}};
  auto link = start(plan);
  ASSERT_NE(link, nullptr);
  EXPECT_TRUE(eventually([&] {
    const auto log = read_log(dir_of(plan), 0, 64 << 10);
    return log && log->data.find(cat("pids:", name, "\n")) != std::string::npos;
  })) << read_log(dir_of(plan), 0, 64 << 10)->data;
  EXPECT_TRUE(eventually([&] { return pids->read("pids.current") == "2"; })) << "sh and sleep, not the supervisor";
  ASSERT_TRUE(link->cancel(0ms));
  const Exit exit = wait_exit(*link);
  EXPECT_EQ(exit.unjoined, std::vector<std::string>{});
  EXPECT_FALSE(std::filesystem::exists(pids->path()));
}

TEST_P(SupervisorTest, AGroupThatCannotBeJoinedIsTold) {
  Plan plan = plan_of("echo runs");
  plan.joins = {{"/sys/fs/cgroup/pids/ffrtmp-test-absent", "/sys/fs/cgroup/pids"}};
  auto link = start(plan);
  ASSERT_NE(link, nullptr);
  const Exit exit = wait_exit(*link);
  EXPECT_EQ(exit.exit_code, 0) << "a limit less is no reason not to run";
  EXPECT_EQ(exit.unjoined, std::vector<std::string>{"/sys/fs/cgroup/pids/ffrtmp-test-absent"});
}

TEST_P(SupervisorTest, CountsWhatTheKernelKillsForLackOfMemory) {
  Plan plan = plan_of("head -c 200000000 /dev/zero | tail -c 199999999 | wc -c");
  const auto memory = V1Group::make("memory", plan.attempt);
  if (!memory) GTEST_SKIP() << "no v1 memory hierarchy to write";
  memory->write("memory.limit_in_bytes", "33554432");
  plan.joins = {{memory->path(), "/sys/fs/cgroup/memory"}};
  plan.oom_file = memory->path() + "/memory.oom_control";
  auto link = start(plan);
  ASSERT_NE(link, nullptr);
  EXPECT_EQ(wait_exit(*link).oom_kills, 1);
}

TEST_P(SupervisorTest, FreezesAtTheFenceAndThawsWhenRenewed) {
  Plan plan = plan_of("while :; do echo x; sleep 0.01; done");
  plan.fence_boot_ns = (BootClock::now() + 200ms).time_since_epoch().count();
  auto link = start(plan);
  const State frozen = wait_for(*link, [](const State& s) { return s.frozen; });
  const std::int64_t at_freeze = link->poll(50ms)->log_end;
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(link->poll(0ms)->log_end, at_freeze);
  EXPECT_GT(frozen.log_end, 0);

  ASSERT_TRUE(link->renew(BootClock::now() + 60s));
  wait_for(*link, [&](const State& s) { return !s.frozen && s.log_end > at_freeze; });

  // A renewal does not thaw what the worker paused.
  ASSERT_TRUE(link->pause());
  ASSERT_TRUE(link->renew(BootClock::now() + 60s));
  EXPECT_TRUE(link->poll(0ms)->frozen);
  ASSERT_TRUE(link->cancel(0ms));
  const Exit exit = wait_exit(*link);
  EXPECT_EQ(exit.cause, EndCause::kCanceled);
  EXPECT_EQ(exit.signal, SIGKILL);
}

// A process that SIGSTOP does not stop and SIGKILL ends: it waits in vfork(2) for its child.
[[noreturn]] void run_unstoppable() {
  if (vfork() == 0)
    for (;;)
      if (write(STDOUT_FILENO, "ready\n", 6) == 6) ::pause();
  _exit(1);
}

// A shell that is stopped between vfork(2) and exec, which otherwise takes no time.
[[noreturn]] void run_slow_vfork() {
  if (vfork() == 0) {
    if (write(STDOUT_FILENO, "ready\n", 6) != 6) _exit(1);
    const timespec a_while{0, 200'000'000};
    nanosleep(&a_while, nullptr);
    execl("/bin/sleep", "sleep", "1000", nullptr);
    _exit(1);
  }
  for (;;) ::pause();
}

// Makes a group whose freezer refuses whatever is written to it. False without the right to mount. The mount is seen by
// this process and its children alone: a group can be removed over it, and then nobody can take it away by its path.
bool make_group_without_freezer(const std::string& group) {
  if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  EXPECT_TRUE(test::make_cgroup(group));
  return mount("/dev/full", (group + "/cgroup.freeze").c_str(), nullptr, MS_BIND, nullptr) == 0;
}

TEST_P(SupervisorTest, WhatTheFreezerRefusesIsStoppedBySignals) {
  if (base_.empty()) GTEST_SKIP() << "no freezer is used";
  const Plan plan = plan_of("while :; do echo x; sleep 0.01; done");
  if (!make_group_without_freezer(plan.cgroup)) GTEST_SKIP() << "mounting needs root";
  auto link = start(plan);
  wait_log(*link, 10);
  ASSERT_TRUE(link->pause());
  const State paused = *link->poll(50ms);
  EXPECT_TRUE(paused.frozen);
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(link->poll(0ms)->log_end, paused.log_end);
  ASSERT_TRUE(link->resume());
  wait_for(*link, [&](const State& s) { return !s.frozen && s.log_end > paused.log_end; });
  ASSERT_TRUE(link->cancel(0ms));
  wait_exit(*link);
}

TEST_P(SupervisorTest, AnEngineThatIsStartingAProgramIsStoppedBySignals) {
  Plan plan = plan_of("");
  plan.argv = {g_program, "slow-vfork"};
  if (!base_.empty() && !make_group_without_freezer(plan.cgroup)) GTEST_SKIP() << "mounting needs root";
  auto link = start(plan);
  wait_log(*link, 6);
  EXPECT_TRUE(link->pause());
  EXPECT_TRUE(link->poll(0ms)->frozen);
  EXPECT_TRUE(link->resume());
  ASSERT_TRUE(link->cancel(0ms));
  wait_exit(*link);
}

TEST_P(SupervisorTest, WhatDoesNotStandStillIsNotToldToBeFrozen) {
  Plan plan = plan_of("");
  plan.argv = {g_program, "unstoppable"};
  plan.deadline_ms = 3000;  // does not pass in what is frozen
  if (!base_.empty() && !make_group_without_freezer(plan.cgroup)) GTEST_SKIP() << "mounting needs root";
  auto link = start(plan);
  const auto any_stopped = [&] {
    const auto all = processes_of(plan.attempt);
    return std::any_of(all.begin(), all.end(), [](const sys::MarkedProcess& process) {
      const auto stat = sys::read_stat(g_host, process.key.pid);
      return stat && sys::is_stopped(stat->state);
    });
  };
  wait_log(*link, 6);
  EXPECT_FALSE(link->pause());
  EXPECT_FALSE(link->poll(0ms)->frozen);
  EXPECT_TRUE(any_stopped()) << "of its two processes one can be";
  ASSERT_TRUE(link->resume());
  EXPECT_FALSE(any_stopped());
  EXPECT_FALSE(link->pause());
  const Exit exit = wait_exit(*link);
  EXPECT_EQ(exit.cause, EndCause::kDeadline);
}

TEST_P(SupervisorTest, WhatDoesNotStandStillAtTheFenceIsKilled) {
  Plan plan = plan_of("");
  plan.argv = {g_program, "unstoppable"};
  plan.fence_stop_ms = 700;
  if (!base_.empty() && !make_group_without_freezer(plan.cgroup)) GTEST_SKIP() << "mounting needs root";
  auto link = start(plan);
  wait_log(*link, 6);
  ASSERT_TRUE(link->renew(BootClock::now() + 50ms));
  bool was_frozen = false;
  const State end = wait_for(*link, [&](const State& s) {
    was_frozen |= s.frozen;
    return s.exit.has_value();
  });
  EXPECT_EQ(end.exit.value_or(Exit{}).cause, EndCause::kFenced);
  EXPECT_EQ(end.exit.value_or(Exit{}).signal, SIGKILL);
  EXPECT_FALSE(was_frozen);
}

TEST_P(SupervisorTest, KillsWhatStaysFencedTooLong) {
  Plan plan = plan_of("trap 'echo term; exit 0' TERM; while :; do sleep 0.01; done");
  plan.fence_boot_ns = (BootClock::now() + 100ms).time_since_epoch().count();
  plan.frozen_limit_ms = 200;
  auto link = start(plan);
  const Exit exit = wait_exit(*link);
  EXPECT_EQ(exit.cause, EndCause::kFenced);
  EXPECT_EQ(exit.signal, SIGKILL);
  EXPECT_EQ(whole_log(dir_of(plan)), "");  // it never ran again
}

TEST_P(SupervisorTest, EndsALiveEngineAtTheFence) {
  Plan plan = plan_of("trap 'echo term; exit 3' TERM; sleep 1000 & wait");
  plan.fence_boot_ns = (BootClock::now() + 200ms).time_since_epoch().count();
  plan.live_output = true;
  auto link = start(plan);
  const Exit exit = wait_exit(*link, 8s);
  EXPECT_EQ(exit.cause, EndCause::kFenced);
  EXPECT_EQ(exit.exit_code, 3);
  EXPECT_TRUE(exit.graceful);
}

// contract: F14
TEST_P(SupervisorTest, CancelKillsATreeThatIgnoresTerm) {
  const Plan plan = plan_of(
      "trap '' TERM; (trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep 1000; :' & sleep 1000) & "
      "echo ready; while :; do sleep 1; done");
  auto link = start(plan);
  wait_log(*link, 6);
  const auto begin = steady_clock::now();
  ASSERT_TRUE(link->cancel(300ms));
  const Exit exit = wait_exit(*link);
  const auto took = steady_clock::now() - begin;
  EXPECT_EQ(exit.cause, EndCause::kCanceled);
  EXPECT_FALSE(exit.graceful);
  EXPECT_EQ(exit.signal, SIGKILL);
  EXPECT_GE(took, 300ms);
  EXPECT_LT(took, 2s);
}

TEST_P(SupervisorTest, CancelIsGracefulForATreeThatListens) {
  const Plan plan = plan_of(
      "trap 'echo bye; exit 5' TERM; (trap 'sleep 0.1; echo child; exit 0' TERM; "
      "sleep 1000 & echo ready; wait) & wait");
  auto link = start(plan);
  wait_log(*link, 6);
  ASSERT_TRUE(link->pause());  // thawed to hear the signal
  ASSERT_TRUE(link->cancel(10s));
  const Exit exit = wait_exit(*link, 5s);
  EXPECT_EQ(exit.cause, EndCause::kCanceled);
  EXPECT_TRUE(exit.graceful);
  EXPECT_EQ(exit.exit_code, 5);
  EXPECT_NE(whole_log(dir_of(plan)).find("child\n"), std::string::npos);  // the child had its grace too
}

// contract: F15
TEST_P(SupervisorTest, PausedMakesNoProgressAndResumedCompletes) {
  Plan plan = plan_of(
      "i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo $i; "
      "printf \"frame=$i\\nprogress=continue\\n\" >&3; sleep 0.01; done");
  plan.stall_ms = 1000;  // neither counts while paused
  plan.deadline_ms = 20'000;
  auto link = start(plan);
  wait_log(*link, 10);
  ASSERT_TRUE(link->pause());
  const State before = *link->poll(20ms);
  std::this_thread::sleep_for(1200ms);
  const State after = *link->poll(0ms);
  EXPECT_TRUE(after.frozen);
  EXPECT_EQ(after.log_end, before.log_end);
  EXPECT_EQ(after.progress, before.progress);
  ASSERT_TRUE(link->resume());
  const Exit exit = wait_exit(*link);
  EXPECT_EQ(exit.cause, EndCause::kExited);
  EXPECT_EQ(exit.exit_code, 0);
  EXPECT_EQ(exit.last_progress, "frame=100\nprogress=continue\n");
}

// contract: F20
TEST_P(SupervisorTest, EndsASleeperButNotAThinker) {
  Plan sleeper = plan_of("echo ready; sleep 1000");
  sleeper.stall_ms = 400;
  sleeper.kill_grace_ms = 5000;
  auto link = start(sleeper);
  const auto begin = steady_clock::now();
  const Exit stalled = wait_exit(*link);
  EXPECT_EQ(stalled.cause, EndCause::kStalled);
  EXPECT_EQ(stalled.signal, SIGTERM);
  EXPECT_GE(steady_clock::now() - begin, 350ms);
  EXPECT_LT(steady_clock::now() - begin, 2s);

  // No word for three times the limit, but it works.
  Plan thinker = plan_of(
      "end=$(($(date +%s) + 3)); while [ $(date +%s) -lt $end ]; do "
      "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; done; exit 4");
  thinker.stall_ms = 700;
  auto second = start(thinker);
  const Exit worked = wait_exit(*second);
  EXPECT_EQ(worked.cause, EndCause::kExited);
  EXPECT_EQ(worked.exit_code, 4);
}

TEST_P(SupervisorTest, EndsAtTheDeadline) {
  Plan plan = plan_of("trap '' TERM; while :; do echo x; sleep 0.02; done");
  plan.deadline_ms = 300;
  plan.kill_grace_ms = 100;
  auto link = start(plan);
  const Exit exit = wait_exit(*link);
  EXPECT_EQ(exit.cause, EndCause::kDeadline);
  EXPECT_EQ(exit.signal, SIGKILL);
  EXPECT_GE(exit.run_seconds, 0.4);
  EXPECT_LT(exit.run_seconds, 2);
}

TEST_P(SupervisorTest, EndsAtTheDiskLimit) {
  const std::string out = state_ / "out.part";
  Plan plan = plan_of(cat("head -c 300000 /dev/zero > ", out, "; sleep 1000"));
  plan.watched_paths = {state_ / "nothing", out};
  plan.max_disk_bytes = 200'000;
  auto link = start(plan);
  EXPECT_EQ(wait_exit(*link).cause, EndCause::kDiskLimit);
}

// contract: F42
TEST_P(SupervisorTest, StaysSmallUnderAFlood) {
  const Plan plan =
      plan_of("echo first >&2; head -c 200000000 /dev/zero | tr '\\0' '\\n' >&2; echo last >&2; sleep 0.3");
  auto link = start(plan);
  std::int64_t rss_kib = 0;
  const pid_t supervisor = supervisor_of(plan).pid;
  const State state = wait_for(
      *link,
      [&](const State& s) {
        if (const auto stat = sys::read_stat(g_host, supervisor))
          rss_kib = std::max(rss_kib, static_cast<std::int64_t>(stat->rss_pages) * sysconf(_SC_PAGESIZE) / 1024);
        return s.exit.has_value();
      },
      60s);
  RecordProperty("rss_kib", static_cast<int>(rss_kib));
  EXPECT_GT(rss_kib, 0);
  EXPECT_LT(rss_kib, kMaxRssKib);
  EXPECT_EQ(state.log_end, 200'000'011);
  EXPECT_EQ(state.log_dropped_from, 1 << 20);
  EXPECT_EQ(state.log_dropped_to, 200'000'011 - (3 << 20));
  const std::string log = whole_log(dir_of(plan));
  EXPECT_TRUE(log.starts_with("first\n"));
  EXPECT_TRUE(log.ends_with("\nlast\n"));
  EXPECT_NE(log.find(cat("[ffrtmp: ", 200'000'011 - (4 << 20), " bytes dropped]\n")), std::string::npos);
  EXPECT_LT(std::filesystem::file_size(dir_of(plan) + "/log"), (4u << 20) + 8192);
}

TEST_P(SupervisorTest, KillsStraysButNotTheKept) {
  const std::string script = "trap '' TERM; setsid sleep 1000 & echo ready; sleep 1000";
  const Plan stray = plan_of(script);
  const Plan kept = plan_of(script);
  const Plan foreign = plan_of(script);  // of another worker on this host
  auto stray_link = start(stray);
  auto kept_link = start(kept);
  auto foreign_link = start_in(state_ / cat("other/", foreign.attempt), foreign);
  ASSERT_TRUE(foreign_link);
  for (Link* link : {stray_link.get(), kept_link.get(), foreign_link->get()}) wait_log(*link, 6);

  ASSERT_TRUE(kill_strays(state_ / "attempts", {kept.attempt}));
  EXPECT_TRUE(processes_of(stray.attempt).empty());
  EXPECT_GE(processes_of(kept.attempt).size(), 3u);
  EXPECT_GE(processes_of(foreign.attempt).size(), 3u);
  if (!base_.empty()) {
    EXPECT_FALSE(std::filesystem::exists(cat(base_, "/ffrtmp/", stray.attempt)));
  }
  for (Link* link : {kept_link.get(), foreign_link->get()}) {
    ASSERT_TRUE(link->cancel(0ms));
    wait_exit(*link);
  }
}

TEST_P(SupervisorTest, WithoutAStartNothingRuns) {
  const Plan plan = plan_of("echo ran");
  ASSERT_TRUE(sys::make_directories(dir_of(plan), 0700));
  ASSERT_TRUE(save_plan(dir_of(plan), plan));
  const pid_t child = fork();
  if (child == 0) execl(g_program.c_str(), g_program.c_str(), "supervise", dir_of(plan).c_str(), nullptr);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(whole_log(dir_of(plan)), "");
}

}  // namespace
}  // namespace ffrtmp::supervisor

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "supervise") == 0) return ffrtmp::supervisor::supervise_main(argv[2]);
  if (argc == 2 && std::strcmp(argv[1], "unstoppable") == 0) ffrtmp::supervisor::run_unstoppable();
  if (argc == 2 && std::strcmp(argv[1], "slow-vfork") == 0) ffrtmp::supervisor::run_slow_vfork();
  ffrtmp::supervisor::g_program = std::filesystem::read_symlink("/proc/self/exe").string();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
