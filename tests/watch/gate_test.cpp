// The gate: limits before the first instruction, and nobody held when it breaks.
#include "watch/gate.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <thread>

#include "base/text.h"
#include "sys/exec_gate.h"
#include "sys/proc_fs.h"
#include "tests/watch/watch_box.h"

namespace ffrtmp::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class GateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto gate = sys::ExecGate::open();
    if (!gate) GTEST_SKIP() << "no permission events: " << gate.error().message;
    box_.install("/bin/dash");
  }
  void start(const std::string& budget) {
    box_.write_policy("default_limits: {cpu_quota: 50}\nscan_interval: 1h\ndiscovery: {events: gate, gate_budget: " +
                      budget + ", gate_paths: [" + box_.path("bin/" + box_.target()) + "]}\n");
    box_.start_daemon();
    ASSERT_TRUE(box_.wait_ready());
    ASSERT_TRUE(wait_on());
  }
  bool wait_on() {
    return eventually([&] { return box_.get("/v1/status").second.find("\"gate\":\"on\"") != std::string::npos; }, 20s);
  }
  pid_t gate_pid() {
    const std::string status = box_.get("/v1/status").second;
    const auto at = status.find("\"gate_pid\":") + 11;
    return static_cast<pid_t>(parse_int(status.substr(at, status.find_first_of(",}", at) - at)).value_or(0));
  }
  // Runs the target, which does nothing but say in which groups it was born. The time it took.
  std::chrono::milliseconds run(const std::string& out) {
    const auto begun = std::chrono::steady_clock::now();
    const pid_t pid =
        box_.start_target({"-c", cat("while read l; do echo \"$l\"; done < /proc/$$/cgroup > ", box_.path(out))});
    waitpid(pid, nullptr, 0);
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
  }
  bool was_governed(const std::string& out) {
    return read_file(box_.path(out)).find("/ffrtmp/auto-") != std::string::npos;
  }

  // Of ten, as an exec event may be fast enough for one.
  int governed_of_ten(const std::string& out) {
    int governed = 0;
    for (int i = 0; i < 10; ++i) {
      run(cat(out, i));
      governed += was_governed(cat(out, i)) ? 1 : 0;
    }
    return governed;
  }

  WatchBox box_;
};

// contract: G45
TEST_F(GateTest, GovernedBeforeTheFirstInstruction) {
  start("900ms");
  int governed = 0;
  for (int i = 0; i < 30; ++i) {
    run(cat("o", i));
    governed += was_governed(cat("o", i)) ? 1 : 0;
  }
  EXPECT_EQ(governed, 30);
  EXPECT_NE(box_.get("/v1/status").second.find("\"gate_late\":0"), std::string::npos);
}

// contract: G45
TEST_F(GateTest, AStoppedOrKilledGateHoldsNobody) {
  start("300ms");
  for (const int signal : {SIGSTOP, SIGKILL}) {
    const pid_t before = gate_pid();
    ASSERT_GT(before, 0);
    kill(before, signal);
    EXPECT_LT(run("held"), 1500ms) << "a second, on a busy machine";
    EXPECT_TRUE(eventually([&] { return gate_pid() != before; }, 10s)) << "started anew";
    ASSERT_TRUE(wait_on());
    run("again");
    EXPECT_TRUE(was_governed("again"));
  }
}

// contract: G45
TEST_F(GateTest, ADaemonThatDoesNotAnswerCostsTheBudgetOnly) {
  start("300ms");
  const pid_t gate = gate_pid();
  ASSERT_GT(gate, 0);
  box_.daemon().send(SIGSTOP);
  EXPECT_GE(run("late"), 250ms) << "held";
  EXPECT_LT(run("later"), 1500ms);
  // In mid-exec: held by the gate, which is killed then.
  std::thread killer([&] {
    std::this_thread::sleep_for(100ms);
    kill(gate, SIGKILL);
  });
  EXPECT_LT(run("killed"), 1500ms);
  killer.join();
  box_.daemon().send(SIGCONT);
  EXPECT_TRUE(box_.wait_log("The gate let PID"));
  ASSERT_TRUE(eventually([&] { return gate_pid() != gate; }, 10s));
}

// contract: G45
TEST_F(GateTest, AReplacedProgramIsMarkedAgain) {
  start("900ms");
  const std::string program = box_.path("bin/" + box_.target());
  box_.install("/bin/dash", "new");
  fs::rename(box_.path("bin/new"), program);
  EXPECT_TRUE(eventually(
      [&] {
        run("replaced");
        return was_governed("replaced");
      },
      5s));
}

// contract: G45, G48
TEST_F(GateTest, BehindALinkTheProgramIsMarked) {
  const std::string link = box_.path("bin/" + box_.target());
  const std::string program = box_.path("opt/real");
  fs::create_directories(box_.path("opt"));
  fs::rename(link, program);
  fs::create_symlink("../opt/hop", link);
  fs::create_symlink("real", box_.path("opt/hop"));
  start("900ms");
  EXPECT_EQ(governed_of_ten("linked"), 10);
  // A new file behind the same links, then a link to another file.
  fs::copy_file("/bin/dash", box_.path("opt/new"));
  fs::rename(box_.path("opt/new"), program);
  std::this_thread::sleep_for(200ms);  // less than the second after which all are marked again anyway
  EXPECT_EQ(governed_of_ten("replaced"), 10);
  fs::create_directories(box_.path("other"));
  fs::copy_file("/bin/dash", box_.path("other/real"));
  fs::create_symlink("../other/real", box_.path("opt/turn"));
  fs::rename(box_.path("opt/turn"), box_.path("opt/hop"));
  std::this_thread::sleep_for(200ms);
  EXPECT_EQ(governed_of_ten("turned"), 10);
  // In the folder that only the turned link leads to.
  fs::copy_file("/bin/dash", box_.path("other/new"));
  fs::rename(box_.path("other/new"), box_.path("other/real"));
  std::this_thread::sleep_for(200ms);
  EXPECT_EQ(governed_of_ten("turned_replaced"), 10);
}

// contract: G45, G40
TEST_F(GateTest, AReloadChangesPathsAndBudget) {
  const std::string program = box_.path("bin/" + box_.target());
  const auto write_policy = [&](const std::string& budget, const std::string& path) {
    box_.write_policy("default_limits: {cpu_quota: 50}\nscan_interval: 1h\ndiscovery: {events: gate, gate_budget: " +
                      budget + ", gate_paths: [" + path + "]}\n");
  };
  // How long an exec takes while the daemon does not answer.
  const auto held_for = [&](const std::string& out) {
    box_.daemon().send(SIGSTOP);
    const auto time = run(out);
    box_.daemon().send(SIGCONT);
    return time;
  };
  const auto reload = [&](std::size_t times) {
    box_.daemon().send(SIGHUP);
    ASSERT_TRUE(box_.wait_log("Config reloaded", times));
    std::this_thread::sleep_for(100ms);
  };
  write_policy("900ms", "/bin/dash");
  box_.start_daemon();
  ASSERT_TRUE(box_.wait_ready() && wait_on());
  EXPECT_LT(held_for("unmarked"), 700ms);
  write_policy("200ms", program);
  reload(1);
  EXPECT_EQ(governed_of_ten("marked"), 10);
  EXPECT_LT(held_for("short"), 700ms);
  write_policy("900ms", program);
  reload(2);
  EXPECT_GE(held_for("long"), 850ms);
  write_policy("900ms", "/bin/dash");
  reload(3);
  EXPECT_LT(held_for("no_more"), 700ms);
}

TEST_F(GateTest, AStartThatFailsIsTriedAgain) {
  box_.write_policy("default_limits: {cpu_quota: 50}\nscan_interval: 1h\ndiscovery: {events: gate, gate_paths: [" +
                    box_.path("bin/" + box_.target()) + "]}\n");
  box_.start_daemon({"--fault"}, {"FFRTMP_FAULT=gate:EAGAIN:2"});
  ASSERT_TRUE(box_.wait_ready());
  ASSERT_TRUE(wait_on());
  EXPECT_EQ(box_.count_log("The gate cannot be started: "), 2u);
  const pid_t gate = gate_pid();
  ASSERT_GT(gate, 0);
  kill(gate, SIGKILL);
  EXPECT_TRUE(box_.wait_log("The gate ended, starting it anew"));
  EXPECT_TRUE(wait_on());
}

TEST_F(GateTest, AnExecThatFailsIsLetGo) {
  start("900ms");
  // Marked, and no program: the exec fails after the gate has let it pass.
  const std::string program = box_.path("bin/" + box_.target());
  write_file(program, "#!/none/such\n");
  const pid_t pid =
      box_.start({"/bin/bash", "-c", cat("shopt -s execfail; exec ", program, " 2>/dev/null; sleep 60; :")});
  std::this_thread::sleep_for(4s);
  EXPECT_TRUE(box_.wait_log(cat("PID ", pid, " did not execute")));
  EXPECT_TRUE(box_.alive(pid));
  EXPECT_FALSE(box_.is_governed(pid));
}

// The daemon's side alone, with a shell script for a gate: it speaks on descriptor 3 and answers pings on 4.
class GateLife : public ::testing::Test {
 protected:
  void SetUp() override {
    auto reactor = watch::Reactor::create();
    ASSERT_TRUE(reactor);
    reactor_ = std::move(*reactor);
  }
  // Each start leaves a letter in the file "starts".
  void start(const std::string& script) {
    write_file(dir_ / "gate", cat("#!/bin/sh\nprintf x >> ", dir_ / "starts", "\n", script));
    fs::permissions(dir_ / "gate", fs::perms::owner_all);
    gate_.emplace(*reactor_, dir_ / "gate", watch::Gate::Listener{});
    gate_->use({}, 50ms);
  }
  std::size_t starts() { return fs::exists(dir_ / "starts") ? read_file(dir_ / "starts").size() : 0; }
  bool turn_until(const std::function<bool()>& true_now, std::chrono::milliseconds patience = 15s) {
    return eventually([&] { return reactor_->turn(5ms), true_now(); }, patience);
  }

  TempDir dir_;
  std::unique_ptr<watch::Reactor> reactor_;
  std::optional<watch::Gate> gate_;
};
const std::string kServe = "printf R >&3\nprintf M >&3\nexec cat <&4 >&4\n";

TEST_F(GateLife, OneThatDiesBeforeItIsReadyIsStartedAnew) {
  start(cat("[ $(wc -c < ", dir_ / "starts", ") -ge 4 ] || kill -KILL $$\n", kServe));
  EXPECT_TRUE(turn_until([&] { return gate_->reading().is_on; }));
  EXPECT_EQ(starts(), 4u);
  EXPECT_EQ(gate_->reading().restarts, 3);
}

TEST_F(GateLife, ItsEnvironmentIsTheDaemons) {
  setenv("FFRTMP_GATE_MARK", "here", 1);
  start(cat("[ \"$FFRTMP_GATE_MARK\" = here ] || exit 1\n", kServe));
  EXPECT_TRUE(turn_until([&] { return gate_->reading().is_on; }, 5s));
  unsetenv("FFRTMP_GATE_MARK");
}

// A stopped one holds whoever it holds, and nobody is left who would kill it.
TEST_F(GateLife, AStoppedOneEndsWithItsDaemon) {
  const pid_t daemon = fork();
  if (daemon == 0) {
    start(cat("printf R >&3\nprintf M >&3\necho $$ > ", dir_ / "pid", "\nkill -STOP $$\n"));
    turn_until([&] { return fs::exists(dir_ / "pid"); });
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  waitpid(daemon, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  const auto gate = static_cast<pid_t>(parse_int(trim(read_file(dir_ / "pid"))).value_or(0));
  ASSERT_GT(gate, 0);
  const auto has_ended = [&] {
    const auto stat = sys::read_stat(sys::Host::real(), gate);
    return !stat || stat->has_ended();
  };
  EXPECT_TRUE(eventually(has_ended, 5s));
  if (!has_ended()) kill(gate, SIGKILL);
}

TEST_F(GateLife, ASlowStartIsWaitedFor) {
  start(cat("sleep 2\n", kServe));
  EXPECT_TRUE(turn_until([&] { return gate_->reading().is_on; }));
  EXPECT_EQ(starts(), 1u);
}

TEST_F(GateLife, OneThatRunsAndDoesNotAnswerIsEnded) {
  start("printf R >&3\nprintf M >&3\nexec sleep 60\n");
  ASSERT_TRUE(turn_until([&] { return gate_->reading().is_on; }));
  EXPECT_TRUE(turn_until([&] { return starts() == 2; }, 2s)) << "within a second, on a busy machine";
}

TEST_F(GateLife, OneThatIsRefusedWaitsForTheNextPolicy) {
  start(cat("[ -e ", dir_ / "allowed", " ] || { printf 'F not here' >&3; exit 1; }\n", kServe));
  ASSERT_TRUE(turn_until([&] { return gate_->reading().pid == 0; }));
  EXPECT_FALSE(turn_until([&] { return starts() > 1; }, 1s)) << "nothing would change";
  EXPECT_EQ(gate_->reading().reason, "not here");
  EXPECT_EQ(gate_->reading().restarts, 0);
  write_file(dir_ / "allowed", "");
  gate_->use({}, 50ms);
  EXPECT_TRUE(turn_until([&] { return gate_->reading().is_on; }));
}

TEST_F(GateLife, PausesGrowAsLongAsLivesAreShort) {
  start(cat("read -r up rest < /proc/uptime\necho $up >> ", dir_ / "at", "\nexit 1\n"));
  ASSERT_TRUE(turn_until([&] { return starts() > 5; })) << "never given up";
  std::istringstream lines(read_file(dir_ / "at"));
  double begun = 0;
  lines >> begun;
  for (double pause = 0.1; pause < 1; pause *= 2) {
    const double before = begun;
    ASSERT_TRUE(lines >> begun);
    EXPECT_GT(begun - before, pause - 0.02) << "of times in hundredths of a second";
  }
}

}  // namespace
}  // namespace ffrtmp::test
