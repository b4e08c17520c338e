// How the daemon starts, reloads, ends and comes back, and what that does to what it governs: nothing that hurts.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <thread>

#include "base/text.h"
#include "sys/fd.h"
#include "sys/proc_fs.h"
#include "tests/watch/watch_box.h"

namespace ffrtmp::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

const std::string kQuota = "default_limits: {cpu_quota: 50, nice: 5}\n";

// contract: G8
TEST(Lifecycle, NoSignalToTheDaemonReachesAWorkload) {
  NEED_ROOT();
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGKILL}) {
    WatchBox box;
    const pid_t pid = box.start_target();
    ASSERT_TRUE(box.govern(pid, kQuota));
    ASSERT_TRUE(box.wait_ready());
    if (signal == SIGHUP) {
      box.daemon().send(SIGHUP);
      EXPECT_TRUE(box.wait_log("Config reloaded"));
      EXPECT_TRUE(box.is_governed(pid));
    } else {
      EXPECT_EQ(box.stop_daemon(signal), signal == SIGKILL ? 128 + SIGKILL : 0) << signal;
    }
    EXPECT_TRUE(box.alive(pid)) << signal;
  }
}

// contract: G14 (how many: FFRTMP_WATCH_TARGETS, 1000 in a long run)
TEST(Lifecycle, AStopPutsEverybodyBack) {
  NEED_ROOT();
  const char* asked = std::getenv("FFRTMP_WATCH_TARGETS");
  const int count = asked == nullptr ? 200 : static_cast<int>(parse_int(asked).value_or(200));
  WatchBox box;
  std::vector<pid_t> pids;
  for (int i = 0; i < count; ++i) pids.push_back(box.start_target());
  const std::string before = box.group_of(pids.front());
  box.write_policy(kQuota);
  box.start_daemon();
  for (const pid_t pid : pids) ASSERT_TRUE(box.wait_governed(pid)) << pid;
  EXPECT_EQ(box.nice_of(pids.back()), 5);
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(box.stop_daemon(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);
  for (const pid_t pid : pids) {
    EXPECT_EQ(box.group_of(pid), before) << pid;
    EXPECT_EQ(box.nice_of(pid), 0) << pid;
  }
  EXPECT_EQ(box.groups(), std::vector<std::string>{});
}

TEST(Lifecycle, OnStopKeepLeavesLimitsForTheNextDaemon) {
  NEED_ROOT();
  WatchBox box;
  const pid_t pid = box.start_target();
  ASSERT_TRUE(box.govern(pid, kQuota + "on_stop: keep\n"));
  EXPECT_EQ(box.stop_daemon(), 0);
  EXPECT_TRUE(box.is_governed(pid));
  EXPECT_EQ(box.nice_of(pid), 5);
  box.write_policy(kQuota);
  box.start_daemon();
  EXPECT_TRUE(box.wait_log(cat("Re-adopted PID ", pid)));
  ASSERT_TRUE(box.wait_ready());
  EXPECT_EQ(box.stop_daemon(), 0);
  EXPECT_FALSE(box.is_governed(pid));
  EXPECT_EQ(box.nice_of(pid), 0) << "what it was before the first of the two daemons";
}

// contract: G15
TEST(Lifecycle, AfterAKillEverythingIsTakenOver) {
  NEED_ROOT();
  WatchBox box;
  const pid_t lives = box.start_target();
  const pid_t dies = box.start_target();
  const std::string before = box.group_of(lives);
  box.write_policy(kQuota + "state: {enabled: true, path: " + box.state_path() + ", flush_interval: 100ms}\n");
  box.start_daemon();
  ASSERT_TRUE(box.wait_governed(lives) && box.wait_governed(dies));
  const std::string attached = "\"total_discovered\":2,\"total_attachments\":2";
  const auto file_has = [&](const std::string& text) {
    return fs::exists(box.state_path()) && read_file(box.state_path()).find(text) != std::string::npos;
  };
  ASSERT_TRUE(eventually([&] { return file_has(attached); }, 30s));
  const std::string group = box.group_of(lives);
  const std::vector<std::string> all = box.groups();
  EXPECT_EQ(box.stop_daemon(SIGKILL), 128 + SIGKILL);
  box.end(dies);
  EXPECT_EQ(box.group_of(lives), group) << "limits outlive their governor";
  box.start_daemon();
  ASSERT_TRUE(box.wait_ready());
  EXPECT_EQ(box.group_of(lives), group) << "taken over where it stands";
  EXPECT_EQ(box.nice_of(lives), 5);
  std::vector<std::string> swept;
  for (const std::string& path : all)
    if (path.ends_with(cat("-", lives))) swept.push_back(path);
  ASSERT_FALSE(swept.empty());
  EXPECT_EQ(box.groups(), swept) << "those of the dead one are gone, in each hierarchy";
  EXPECT_EQ(box.count_log(cat("Attaching to PID ", lives)), 1u) << "not a second time";
  EXPECT_EQ(box.stop_daemon(), 0);
  EXPECT_TRUE(file_has(attached)) << "not counted again: " << read_file(box.state_path());
  EXPECT_EQ(box.count_log("Cleaned 1 stale PIDs from state"), 1u);
  EXPECT_EQ(box.group_of(lives), before);
  EXPECT_EQ(box.nice_of(lives), 0);
  EXPECT_TRUE(box.alive(lives));
  EXPECT_EQ(box.groups(), std::vector<std::string>{});
}

// contract: G15
TEST(Lifecycle, AfterAKillTheChildrenOfWhoEndedAreNotForgotten) {
  NEED_ROOT();
  WatchBox box;
  box.install("/bin/dash");
  const std::string script = cat("while [ ! -e ", box.path("go"), " ]; do sleep 0.05; done; sleep 600 & echo $! > ",
                                 box.path("new"), "; mv ", box.path("new"), " ", box.path("child"), "; wait");
  const pid_t pid = box.start_target({"-c", script});
  const std::string before = box.group_of(pid);
  ASSERT_TRUE(box.govern(pid, kQuota));
  write_file(box.path("go"), "");
  ASSERT_TRUE(eventually([&] { return fs::exists(box.path("child")); }, 10s));
  const auto child = static_cast<pid_t>(parse_int(trim(read_file(box.path("child")))).value_or(0));
  ASSERT_GT(child, 0);
  box.end(pid);
  EXPECT_TRUE(box.wait_log(cat("⊗ Detached from PID ", pid)));
  EXPECT_TRUE(box.is_governed(child)) << "its limits hold as long as it runs";
  EXPECT_EQ(box.stop_daemon(SIGKILL), 128 + SIGKILL);
  box.start_daemon();
  ASSERT_TRUE(box.wait_ready());
  EXPECT_EQ(box.stop_daemon(), 0);
  EXPECT_TRUE(box.alive(child));
  EXPECT_EQ(box.group_of(child), before);
  EXPECT_EQ(box.groups(), std::vector<std::string>{});
  kill(child, SIGKILL);
}

// A port of the loopback that somebody else listens on.
class TakenPort {
 public:
  TakenPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    const bool listens = bind(socket_.get(), plain, size) == 0 && listen(socket_.get(), 1) == 0 &&
                         getsockname(socket_.get(), plain, &size) == 0;
    EXPECT_TRUE(listens);
    number_ = ntohs(address.sin_port);
  }
  [[nodiscard]] int number() const { return number_; }

 private:
  sys::Fd socket_;
  int number_ = 0;
};

// contract: G15
TEST(Lifecycle, AFailedStartLeavesWhatItTookOverToTheNext) {
  NEED_ROOT();
  WatchBox box;
  const pid_t pid = box.start_target();
  const std::string before = box.group_of(pid);
  ASSERT_TRUE(box.govern(pid, kQuota));
  EXPECT_EQ(box.stop_daemon(SIGKILL), 128 + SIGKILL);
  const TakenPort port;
  box.start_daemon({"--metrics-listen", cat("127.0.0.1:", port.number())});
  EXPECT_EQ(box.daemon().wait(30s), 1) << "it cannot listen";
  EXPECT_TRUE(box.is_governed(pid)) << "limits outlive a start that fails";
  box.start_daemon();
  ASSERT_TRUE(box.wait_ready());
  EXPECT_EQ(box.stop_daemon(), 0);
  EXPECT_EQ(box.group_of(pid), before);
  EXPECT_EQ(box.nice_of(pid), 0);
  EXPECT_EQ(box.groups(), std::vector<std::string>{});
}

TEST(Lifecycle, AFailedStartLeavesNothingOfWhatItCleared) {
  NEED_ROOT();
  WatchBox box;
  const pid_t pid = box.start_target();
  ASSERT_TRUE(box.govern(pid, kQuota));
  const std::vector<std::string> groups = box.groups();
  ASSERT_FALSE(groups.empty());
  EXPECT_EQ(box.stop_daemon(SIGKILL), 128 + SIGKILL);
  box.end(pid);
  const TakenPort port;
  box.start_daemon({"--metrics-listen", cat("127.0.0.1:", port.number())});
  EXPECT_EQ(box.daemon().wait(30s), 1) << "it cannot listen";
  EXPECT_EQ(box.groups(), std::vector<std::string>{});
  for (const std::string& group : groups) {
    const fs::path parent = fs::path(group).parent_path();
    const auto is_left = [&] {  // there, and nobody else's jobs in it
      std::error_code gone;
      const fs::directory_iterator entries(parent, gone);
      return !gone &&
             std::none_of(begin(entries), end(entries), [](const auto& entry) { return entry.is_directory(); });
    };
    EXPECT_FALSE(is_left()) << parent;
  }
}

// contract: G15, G40
TEST(Lifecycle, ARestartAsksWhatItTakesOverOnceMore) {
  NEED_ROOT();
  for (const auto& [policy, stays] :
       std::map<std::string, bool>{{kQuota + "filters: {blocked_uids: [0]}\n", false},
                                   {kQuota + "target_commands: [another]\n", false},
                                   {kQuota + "filters: {max_runtime: 1ms}\n", true}}) {  // age counts at discovery only
    WatchBox box;
    const pid_t pid = box.start_target();
    const std::string before = box.group_of(pid);
    ASSERT_TRUE(box.govern(pid, kQuota));
    EXPECT_EQ(box.stop_daemon(SIGKILL), 128 + SIGKILL);
    box.write_policy(policy);
    box.start_daemon();
    ASSERT_TRUE(box.wait_ready());
    EXPECT_EQ(box.is_governed(pid), stays) << policy;
    EXPECT_EQ(box.nice_of(pid), stays ? 5 : 0) << policy;
    if (stays) continue;
    EXPECT_EQ(box.group_of(pid), before);
    EXPECT_EQ(box.groups(), std::vector<std::string>{});
    EXPECT_TRUE(box.alive(pid));
  }
}

// contract: G40
TEST(Lifecycle, ARestartWritesTheLimitsOfItsPolicy) {
  NEED_ROOT();
  WatchBox box;
  const pid_t pid = box.start_target();
  ASSERT_TRUE(box.govern(pid, kQuota));
  EXPECT_EQ(box.stop_daemon(SIGKILL), 128 + SIGKILL);
  box.write_policy("default_limits: {cpu_quota: 70}\n");
  box.start_daemon();
  ASSERT_TRUE(box.wait_ready());
  EXPECT_EQ(box.knob(pid, "cpu", "cpu.max", "cpu.cfs_quota_us"), is_cgroup_v2() ? "70000 100000" : "70000");
  EXPECT_EQ(box.nice_of(pid), 0);
}

// contract: G32
TEST(Lifecycle, OneDaemonARuntimeDirectory) {
  NEED_ROOT();
  WatchBox box;
  box.write_policy(kQuota);
  box.start_daemon();
  ASSERT_TRUE(box.wait_ready());
  const Ran second = run_command(box.command({"watch"}));
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_NE(second.err.find(cat("already running (pid ", box.daemon().pid(), ")")), std::string::npos) << second.err;
}

// contract: G40
TEST(Lifecycle, Reload) {
  NEED_ROOT();
  WatchBox box;
  const pid_t pid = box.start_target();
  ASSERT_TRUE(box.govern(pid, kQuota));
  box.write_policy("default_limits: {cpu_quotta: 80}\n");
  box.daemon().send(SIGHUP);
  EXPECT_TRUE(box.wait_log("Config reload failed: " + box.path("watch.yaml") + ":"));
  EXPECT_EQ(box.knob(pid, "cpu", "cpu.max", "cpu.cfs_quota_us"), is_cgroup_v2() ? "50000 100000" : "50000");
  box.write_policy("default_limits: {cpu_quota: 80}\n");
  box.daemon().send(SIGHUP);
  ASSERT_TRUE(box.wait_log("Config reloaded"));
  EXPECT_TRUE(eventually(
      [&] {
        return box.knob(pid, "cpu", "cpu.max", "cpu.cfs_quota_us") == (is_cgroup_v2() ? "80000 100000" : "80000");
      },
      10s));
  EXPECT_EQ(box.nice_of(pid), 0) << "what is no longer asked is taken back";
  box.write_policy("default_limits: {cpu_quota: 80}\nfilters: {blocked_uids: [0]}\n");
  box.daemon().send(SIGHUP);
  EXPECT_TRUE(eventually([&] { return !box.is_governed(pid); }, 10s)) << "no longer meant";
  EXPECT_NE(box.get("/metrics").second.find("ffrtmp_config_reload_total{component=\"watch\",result=\"error\"} 1"),
            std::string::npos);
}

// contract: G46
TEST(Lifecycle, WhatIsUndoneByHandComesBackAndAWarIsNotFought) {
  NEED_ROOT();
  WatchBox box;
  const pid_t pid = box.start_target();
  ASSERT_TRUE(box.govern(pid, kQuota + "reconcile_interval: 500ms\n"));
  const std::string file = box.knob_path(pid, "cpu", "cpu.max", "cpu.cfs_quota_us");
  const auto quota = [&] {
    return parse_int(split(box.knob(pid, "cpu", "cpu.max", "cpu.cfs_quota_us"), ' ')[0]).value_or(0);
  };
  std::ofstream(file) << "99000\n";
  EXPECT_TRUE(eventually([&] { return quota() == 50000; }, 10s));
  const std::string elsewhere = box.make_group("cpu");
  std::ofstream(elsewhere + "/cgroup.procs") << pid << "\n";
  EXPECT_TRUE(eventually([&] { return box.is_governed(pid); }, 10s));
  ASSERT_TRUE(eventually([&] { return box.count_log("Re-asserted membership") > 0; }, 5s));
  // Another writer that means it.
  ASSERT_TRUE(eventually(
      [&] {
        std::ofstream(file) << "77000\n";
        return box.count_log("is contested") > 0;
      },
      60s));
  EXPECT_NE(box.get("/v1/processes").second.find("\"state\":\"contested\""), std::string::npos);
  std::ofstream(file) << "77000\n";
  std::this_thread::sleep_for(1500ms);
  EXPECT_EQ(quota(), 77000) << "no war";
  EXPECT_NE(box.get("/v1/processes").second.find("\"governance\":\"nice_only\""), std::string::npos)
      << "what is not in force is not told to be: " << box.get("/v1/processes").second;
}

TEST(Lifecycle, OnceLeavesLimitsAndSaysWhatItDid) {
  NEED_ROOT();
  WatchBox box;
  const pid_t pid = box.start_target();
  box.write_policy(kQuota);
  const Ran dry = run_command(box.command({"watch", "--once", "--dry-run", "--json"}));
  EXPECT_EQ(dry.exit_code, 0) << dry.err;
  EXPECT_NE(dry.err.find(cat("would attach to PID ", pid)), std::string::npos) << dry.err;
  EXPECT_FALSE(box.is_governed(pid));
  EXPECT_FALSE(fs::exists(box.path("rt"))) << "a dry run writes nothing";
  const Ran once = run_command(box.command({"watch", "--once", "--json"}));
  EXPECT_EQ(once.exit_code, 0) << once.err;
  EXPECT_NE(once.out.find(cat("\"pid\":", pid, ",")), std::string::npos);
  EXPECT_EQ(once.out.front(), '[') << "one document and nothing else";
  EXPECT_TRUE(box.is_governed(pid)) << "limits stay";
  box.start_daemon();
  EXPECT_TRUE(box.wait_log(cat("Re-adopted PID ", pid)));
}

// contract: G31
TEST(Lifecycle, WhatRunGovernsIsLeftAlone) {
  NEED_ROOT();
  WatchBox box;
  box.write_policy(kQuota + "scan_interval: 200ms\n");
  const std::string program = box.path("bin/" + box.target());
  Process run({ffrtmp_binary(), "run", "--runtime-dir", box.path("rt"), "--cpu-quota", "30", "--kill-on-exit",
               "--kill-grace", "1s", "--", program, "600"},
              box.path("run.log"));
  pid_t pid = 0;
  ASSERT_TRUE(eventually(
      [&] {
        const auto below = sys::read_descendants(sys::Host::real(), run.pid());
        for (const auto& stat : *below)
          if (stat.comm == box.target()) pid = stat.pid;
        return pid != 0 && box.group_of(pid).find("/ffrtmp/run-") != std::string::npos;
      },
      20s));
  box.start_daemon();
  ASSERT_TRUE(box.wait_log("Scan complete", 5));
  EXPECT_EQ(box.count_log("Attaching"), 0u);
  EXPECT_EQ(box.knob(pid, "cpu", "cpu.max", "cpu.cfs_quota_us"), is_cgroup_v2() ? "30000 100000" : "30000");
  EXPECT_NE(run_command(box.command({"explain", cat(pid)})).out.find(": governed"), std::string::npos);
  EXPECT_EQ(box.stop_daemon(), 0);
  EXPECT_EQ(box.knob(pid, "cpu", "cpu.max", "cpu.cfs_quota_us"), is_cgroup_v2() ? "30000 100000" : "30000");
  run.send(SIGTERM);
  EXPECT_NE(run.wait(20s), -1);
}

TEST(Lifecycle, WhatRunTellsCountsFromItsStart) {
  NEED_ROOT();
  WatchBox box;
  box.write_policy(kQuota);
  box.start_daemon();
  ASSERT_TRUE(box.wait_ready());
  const auto run = [&](const std::string& program) {
    return run_command({ffrtmp_binary(), "run", "--runtime-dir", box.path("rt"), "--", program}).exit_code;
  };
  EXPECT_EQ(run("/bin/true"), 0);
  EXPECT_EQ(run("/bin/false"), 1);
  EXPECT_EQ(run("/none/such"), 1);
  const std::string metrics = box.get("/metrics").second;
  for (const char* line : {"governed_jobs_total{component=\"watch\",state=\"started\"} 2",
                           "governed_jobs_total{component=\"watch\",state=\"completed\"} 1",
                           "governed_jobs_total{component=\"watch\",state=\"failed\"} 2",
                           "jobs_by_mode_total{component=\"watch\",mode=\"run\"} 2"})
    EXPECT_NE(metrics.find(cat("ffrtmp_", line, "\n")), std::string::npos) << line << "\n" << metrics;
}

// contract: G16, G40
TEST(Lifecycle, AReloadMayTurnObservedIntoAttached) {
  NEED_ROOT();
  WatchBox box;
  const pid_t pid = box.start_target();
  // Out of a group with a limit nobody is moved.
  const std::string limited = box.make_group("cpu");
  if (is_cgroup_v2()) std::ofstream("/sys/fs/cgroup/cgroup.subtree_control") << "+cpu";
  std::ofstream(limited + (is_cgroup_v2() ? "/cpu.max" : "/cpu.cfs_quota_us")) << "90000\n";
  std::ofstream(limited + "/cgroup.procs") << pid << "\n";
  const std::string policy = "placement: root\nstate: {enabled: true, path: " + box.state_path() + "}\n";
  box.write_policy(policy + "default_limits: {cpu_quota: 50}\n");
  box.start_daemon();
  ASSERT_TRUE(box.wait_log("would_escape_limits"));
  ASSERT_TRUE(box.wait_ready());
  const std::string gauge = cat("ffrtmp_active_attachments{component=\"watch\",command=\"", box.target(), "\"} ");
  EXPECT_EQ(box.get("/metrics").second.find(gauge + "1\n"), std::string::npos);
  box.write_policy(policy + "default_limits: {nice: 5}\n");
  box.daemon().send(SIGHUP);
  ASSERT_TRUE(box.wait_log("Config reloaded"));
  EXPECT_EQ(box.nice_of(pid), 5);
  EXPECT_NE(box.get("/metrics").second.find(gauge + "1\n"), std::string::npos);
  EXPECT_EQ(box.stop_daemon(), 0);
  EXPECT_EQ(box.nice_of(pid), 0);
  EXPECT_NE(read_file(box.state_path()).find("\"total_discovered\":1,\"total_attachments\":1}"), std::string::npos);
}

// contract: G41
TEST(Lifecycle, AnUnprivilegedDaemonObserves) {
  NEED_ROOT();
  if (access("/usr/bin/setpriv", X_OK) != 0) GTEST_SKIP() << "no setpriv";
  WatchBox box;
  // The runtime directory and the state are another user's.
  fs::permissions(fs::path(box.path("")), fs::perms::owner_all | fs::perms::group_all | fs::perms::others_all);
  const pid_t foreign = box.start_target();
  const pid_t own =
      box.start({"/usr/bin/setpriv", "--reuid", "65534", "--clear-groups", box.path("bin/" + box.target()), "600"});
  box.write_policy("default_limits: {cpu_quota: 50}\nstate: {enabled: false}\nscan_interval: 500ms\n");
  Arguments argv{"/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"};
  for (const std::string& word : box.command({"watch", "--log-level", "debug"})) argv.push_back(word);
  fs::permissions(box.path("watch.yaml"), fs::perms::owner_read | fs::perms::others_read);
  Process daemon(argv, box.path("watch.log"));
  ASSERT_TRUE(box.wait_log("Governance mode: nice_only (cpu: no group can be made"));
  EXPECT_TRUE(box.wait_log(cat("Observing PID ", own, " ")));
  ASSERT_TRUE(box.wait_log("Scan complete", 4));
  EXPECT_EQ(box.count_log(cat("Observing PID ", own, " ")), 1u);
  EXPECT_EQ(box.count_log(cat("Observing PID ", foreign, " ")), 1u);
  EXPECT_EQ(box.count_log("Attaching"), 0u);
  EXPECT_EQ(box.count_log("✓ Attached"), 0u);
  daemon.send(SIGTERM);
  EXPECT_EQ(daemon.wait(20s), 0);
}

// contract: G15, G41
TEST(Lifecycle, WhatCouldOnlyBeRenicedIsTakenOverToo) {
  NEED_ROOT();
  if (access("/usr/bin/setpriv", X_OK) != 0) GTEST_SKIP() << "no setpriv";
  WatchBox box;
  fs::permissions(fs::path(box.path("")), fs::perms::owner_all | fs::perms::group_all | fs::perms::others_all);
  const Arguments nobody{"/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"};
  const auto as_nobody = [&](const Arguments& words) {
    Arguments argv = nobody;
    argv.insert(argv.end(), words.begin(), words.end());
    return argv;
  };
  const pid_t pid = box.start(as_nobody({box.path("bin/" + box.target()), "600"}));
  const std::string state = box.path("nobody/watch.json");
  box.write_policy(kQuota + "reconcile_interval: 200ms\nstate: {enabled: true, path: " + state +
                   ", flush_interval: 100ms}\n");
  fs::permissions(box.path("watch.yaml"), fs::perms::owner_read | fs::perms::others_read);
  const auto counts_once = [&] {
    return fs::exists(state) &&
           read_file(state).find("\"total_discovered\":1,\"total_attachments\":1}") != std::string::npos;
  };
  {
    Process daemon(as_nobody(box.command({"watch"})), box.path("watch.log"));
    ASSERT_TRUE(eventually([&] { return box.nice_of(pid) == 5 && counts_once(); }, 20s)) << box.log();
    daemon.send(SIGKILL);
    daemon.wait(10s);
  }
  Process daemon(as_nobody(box.command({"watch"})), box.path("watch.log"));
  ASSERT_TRUE(box.wait_ready());
  EXPECT_EQ(box.nice_of(pid), 5);
  EXPECT_EQ(box.count_log("Attaching to PID"), 1u) << "not a second time";
  const auto is_honest = [&] {
    return box.get("/v1/processes").second.find("\"governance\":\"nice_only\"") != std::string::npos;
  };
  EXPECT_TRUE(is_honest()) << box.get("/v1/processes").second;
  std::this_thread::sleep_for(500ms);
  EXPECT_TRUE(is_honest()) << "after a look at it, too";
  daemon.send(SIGTERM);
  EXPECT_EQ(daemon.wait(20s), 0);
  EXPECT_TRUE(counts_once()) << read_file(state);
}

// contract: G15
TEST(Lifecycle, AKillBeforeTheFlushLosesNoCount) {
  NEED_ROOT();
  WatchBox box;
  const pid_t pid = box.start_target();
  ASSERT_TRUE(box.govern(pid, kQuota));
  EXPECT_EQ(box.stop_daemon(SIGKILL), 128 + SIGKILL);
  EXPECT_FALSE(fs::exists(box.state_path())) << "flushed every 30 s";
  box.start_daemon();
  ASSERT_TRUE(box.wait_ready());
  EXPECT_EQ(box.stop_daemon(), 0);
  EXPECT_NE(read_file(box.state_path()).find("\"total_discovered\":1,\"total_attachments\":1}"), std::string::npos)
      << read_file(box.state_path());
}

// A unit's group as systemd delegates it. v1 limits need no leaf: there the daemon stays where it was started.
TEST(Lifecycle, InADelegatedGroupItStandsInALeaf) {
  NEED_ROOT();
  WatchBox box;
  const std::string unit = box.make_group(is_cgroup_v2() ? "cpu" : "unified");
  ASSERT_EQ(setxattr(unit.c_str(), "trusted.delegate", "1", 1, 0), 0);
  const sys::Fd directory(open(unit.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  box.write_policy(kQuota + "placement: root\n");
  const pid_t pid = box.start_target();
  {
    Process daemon(box.command({"watch"}), box.path("watch.log"), {}, directory.get());
    ASSERT_TRUE(box.wait_ready());
    const std::string own = "0::/" + fs::path(unit).filename().string() + (is_cgroup_v2() ? "/daemon\n" : "\n");
    EXPECT_TRUE(read_file(cat("/proc/", daemon.pid(), "/cgroup")).ends_with(own)) << own;
    EXPECT_TRUE(box.is_governed(pid));
    if (is_cgroup_v2()) {
      EXPECT_EQ(box.group_of(pid).find("/" + fs::path(unit).filename().string() + "/ffrtmp/auto-"), 0u);
    }
    daemon.send(SIGTERM);
    EXPECT_EQ(daemon.wait(20s), 0);
  }
  EXPECT_FALSE(box.is_governed(pid));
  EXPECT_FALSE(fs::exists(unit + "/ffrtmp"));
  if (is_cgroup_v2()) {
    EXPECT_EQ(rmdir((unit + "/daemon").c_str()), 0);
  }
  EXPECT_EQ(rmdir(unit.c_str()), 0);
}

TEST(Lifecycle, ASessionsOtherProcessesStayWhereTheyAre) {
  NEED_ROOT();
  if (access("/usr/bin/setpriv", X_OK) != 0) GTEST_SKIP() << "no setpriv";
  WatchBox box;
  fs::permissions(fs::path(box.path("")), fs::perms::owner_all | fs::perms::group_all | fs::perms::others_all);
  const std::string session = box.make_group(is_cgroup_v2() ? "cpu" : "unified");
  for (const char* file : {"", "/cgroup.procs", "/cgroup.subtree_control"})
    ASSERT_EQ(chown((session + file).c_str(), 65534, 65534), 0);
  const sys::Fd directory(open(session.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  box.write_policy(kQuota + "state: {enabled: false}\n");
  fs::permissions(box.path("watch.yaml"), fs::perms::owner_read | fs::perms::others_read);
  {
    Process other({"/bin/sleep", "600"}, box.path("other.log"), {}, directory.get());
    Arguments argv{"/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"};
    for (const std::string& word : box.command({"watch"})) argv.push_back(word);
    Process daemon(argv, box.path("watch.log"), {}, directory.get());
    ASSERT_TRUE(box.wait_ready());
    const std::string own = "0::/" + fs::path(session).filename().string() + "\n";
    for (const pid_t pid : {other.pid(), daemon.pid()})
      EXPECT_TRUE(read_file(cat("/proc/", pid, "/cgroup")).ends_with(own)) << read_file(cat("/proc/", pid, "/cgroup"));
    daemon.send(SIGTERM);
    EXPECT_EQ(daemon.wait(20s), 0);
  }
  EXPECT_EQ(rmdir(session.c_str()), 0) << "nothing was made in it";
}

// contract: G1, G2
TEST(Lifecycle, UsageErrorsAreOneLineEach) {
  WatchBox box;
  box.write_policy();
  const auto fails = [&](const Arguments& flags, const std::string& text) {
    Arguments all{"watch", "--check-config"};
    all.insert(all.end(), flags.begin(), flags.end());
    const Ran ran = run_command(box.command(all));
    EXPECT_EQ(ran.exit_code, 2) << text;
    EXPECT_NE(ran.err.find(text), std::string::npos) << ran.err;
    EXPECT_EQ(ran.err.find("Usage"), std::string::npos) << ran.err;
    EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
    EXPECT_EQ(ran.out, "");
  };
  fails({"--scan-intervall", "1s"}, "unknown flag --scan-intervall, did you mean --scan-interval?");
  fails({"--scan-interval", "0s"}, "invalid scan_interval: \"0s\": must be greater than 0");
  fails({"--scan-interval=-1s"}, "invalid scan_interval: \"-1s\": must be greater than 0");
  fails({"--scan-interval", "10"}, "invalid scan_interval: \"10\": missing unit");
  fails({"stats"}, "unexpected argument \"stats\"");
  const Ran day = run_command(box.command({"watch", "--check-config", "--scan-interval", "1d"}));
  EXPECT_EQ(day.exit_code, 0) << day.err;
  EXPECT_EQ(day.out, "OK\n");
  write_file(box.path("watch.yaml"), "a: [\n");
  fails({}, box.path("watch.yaml") + ":");
  fs::remove(box.path("watch.yaml"));
  fails({}, "watch.yaml");
}

// contract: G3
TEST(Lifecycle, ExplainNamesTheWinnerOfEachKey) {
  WatchBox box;
  const pid_t pid = box.start_target();
  box.write_policy("default_limits: {cpu_quota: 10}\n");
  const auto provenance = [&](Arguments flags, const std::string& env) {
    Arguments argv;
    if (!env.empty()) argv = {"/usr/bin/env", env};
    flags.insert(flags.begin(), {"explain", cat(pid), "--json"});
    for (const std::string& word : box.command(flags)) argv.push_back(word);
    const Ran ran = run_command(argv);
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    const auto at = ran.out.find("\"rule\":\"cpu_quota");
    const auto from = ran.out.find("\"provenance\":\"", at) + 14;
    return at == std::string::npos ? ran.out : ran.out.substr(from, ran.out.find('"', from) - from);
  };
  EXPECT_EQ(provenance({"--cpu-quota", "30"}, "FFRTMP_CPU_QUOTA=20"), "flag");
  EXPECT_EQ(provenance({}, "FFRTMP_CPU_QUOTA=20"), "env");
  EXPECT_EQ(provenance({}, ""), box.path("watch.yaml") + ":4");
  box.write_policy();
  EXPECT_NE(provenance({}, "").find("\"rule\":\"no limits\",\"provenance\":\"default\""), std::string::npos);
}

TEST(Lifecycle, ExplainVerdicts) {
  NEED_ROOT();
  WatchBox box;
  const pid_t pid = box.start_target();
  const pid_t stranger = box.start({"/bin/sleep", "600"});
  const auto explain = [&](pid_t of) { return run_command(box.command({"explain", cat(of)})); };
  box.write_policy(kQuota + "filters: {min_runtime: 1h}\n");
  EXPECT_NE(explain(pid).out.find(": waiting_min_runtime"), std::string::npos) << explain(pid).out;
  box.write_policy(kQuota + "filters: {blocked_uids: [0]}\n");
  EXPECT_NE(explain(pid).out.find(": not_governed"), std::string::npos);
  EXPECT_NE(explain(pid).out.find("fail    uids "), std::string::npos) << explain(pid).out;
  box.write_policy(kQuota);
  EXPECT_NE(explain(pid).out.find(": would_govern"), std::string::npos);
  EXPECT_NE(explain(stranger).out.find(": not_governed"), std::string::npos);
  EXPECT_NE(explain(2).out.find(": exempt"), std::string::npos) << "a kernel thread";
  const pid_t ended = box.start({"/bin/true"});
  ASSERT_TRUE(eventually([&] { return !box.alive(ended); }));  // not waited for: a zombie
  EXPECT_NE(explain(ended).out.find(": exempt"), std::string::npos);
  EXPECT_NE(explain(ended).out.find("fail    alive "), std::string::npos) << explain(ended).out;
  EXPECT_NE(explain(pid).out.find("pass    alive "), std::string::npos) << explain(pid).out;
  const Ran none = explain(4194303);
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_EQ(none.err, "ffrtmp: process 4194303 does not exist\n");
  box.start_daemon();
  ASSERT_TRUE(box.wait_governed(pid));
  ASSERT_TRUE(box.wait_ready());
  EXPECT_NE(explain(pid).out.find(": governed"), std::string::npos) << explain(pid).out;
  EXPECT_NE(explain(box.daemon().pid()).out.find(": exempt"), std::string::npos);
}

TEST(Lifecycle, ExplainLooksAtTheTreeItIsGiven) {
  NEED_ROOT();
  WatchBox box;
  const pid_t pid = box.start_target();
  box.write_policy(kQuota);
  const auto explain = [&] {
    return run_command(box.command({"explain", cat(pid), "--cgroup-mount", box.path("cg")})).out;
  };
  EXPECT_NE(explain().find("governance nice_only (cpu: no controller"), std::string::npos) << explain();
  write_file(box.path("cg/cgroup.controllers"), "cpu memory\n");
  EXPECT_NE(explain().find("unified:/"), std::string::npos) << "the only hierarchy there: " << explain();
  EXPECT_NE(explain().find("io: no controller, pids: no controller"), std::string::npos) << explain();
}

TEST(Lifecycle, StatusAsTableAndAsOneDocument) {
  NEED_ROOT();
  WatchBox box;
  const pid_t pid = box.start_target();
  box.write_policy(kQuota);
  EXPECT_EQ(run_command(box.command({"watch", "status"})).exit_code, 1) << "no daemon";
  box.start_daemon();
  ASSERT_TRUE(box.wait_governed(pid));
  const Ran table = run_command(box.command({"watch", "status"}));
  EXPECT_EQ(table.exit_code, 0) << table.err;
  for (const std::string& text : {cat(pid), box.target(), std::string("root"), cat("auto-", box.target(), "-", pid),
                                  std::string("full"), std::string("cpu_quota 50%, nice 5")})
    EXPECT_NE(table.out.find(text), std::string::npos) << text << "\n" << table.out;
  const Ran json = run_command(box.command({"watch", "status", "--json"}));
  for (const char* key : {"\"uid\":0", "\"user\":\"root\"", "\"ppid\":", "\"cwd\":\"/", "\"age_seconds\":"})
    EXPECT_NE(json.out.find(key), std::string::npos) << key;
  EXPECT_EQ(json.out.front(), '{');
}

// A line of the log without its stamp; the stamp has to be there.
std::vector<std::string> messages_of(const std::string& log) {
  static const std::regex kStamped(R"(\[watch\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d (.*))");
  std::vector<std::string> messages;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    EXPECT_TRUE(std::regex_match(line, match, kStamped)) << line;
    if (!match.empty()) messages.push_back(match[1]);
  }
  return messages;
}

// contract: G44
TEST(Lifecycle, EveryLineOfTheContractInItsOrder) {
  NEED_ROOT();
  WatchBox box;
  box.write_policy(
      kQuota +
      "scan_interval: 1s\nfilters: {blocked_users: [nobody]}\nretry: {enabled: true}\nstate: {enabled: true, path: " +
      box.state_path() + "}\n");
  box.start_daemon();
  ASSERT_TRUE(box.wait_ready());
  EXPECT_EQ(box.stop_daemon(), 0);
  fs::remove(box.path("watch.log"));
  const pid_t pid = box.start_target();
  box.start_daemon({"--fault", "--log-level", "info"}, {"FFRTMP_FAULT=move:EBUSY:1"});
  ASSERT_TRUE(box.wait_log(cat("Attachment to PID ", pid)));
  ASSERT_TRUE(box.wait_governed(pid));
  const pid_t second = box.start_target();
  ASSERT_TRUE(box.wait_governed(second));
  box.end(second);
  ASSERT_TRUE(box.wait_log(cat("⊗ Detached from PID ", second)));
  EXPECT_EQ(box.stop_daemon(), 0);
  const std::string job = cat("auto-", box.target(), "-", pid);
  const std::string second_job = cat("auto-", box.target(), "-", second);
  const std::string complete = R"(Scan complete: new=1 tracked=1 duration=\d+(\.\d{1,3})?ms)";
  // Whole lines, each behind the one before it; others may stand between them.
  const std::vector<std::string> wanted{
      R"(Starting auto-attach service\.\.\.)",
      "Scan interval: 1s",
      cat(R"(Target commands: \[)", box.target(), R"(\])"),
      R"(Retry queue enabled \(max attempts: 3\))",
      "Retry worker started",
      cat("State persistence enabled: ", box.state_path()),
      cat("State loaded from ", box.state_path()),
      "Filters applied to scanner",
      R"(Performing initial scan\.\.\.)",
      R"(Scanning for processes\.\.\.)",
      R"(Discovered 1 new process\(es\))",
      cat("Attaching to PID ", pid, R"( \()", box.target(), R"(\) as job )", job),
      cat("Attachment to PID ", pid, R"( failed \(transient\), added to retry queue: .+)"),
      complete,
      cat("✓ Attached to PID ", pid, R"( \(job: )", job, R"(\))"),
      cat("Process ", second, R"( exited \(job )", second_job, R"(, duration: \d+\.\d\ds\))"),
      cat("⊗ Detached from PID ", second, R"( \(job: )", second_job, R"(\))"),
      cat("JOB ", second_job, R"( \| sla=COMPLIANT \| reason=[a-z_]+ \| runtime=\d+s \| exit=\S+ \| pid=)", second),
      R"(Received signal terminated, shutting down\.\.\.)",
      R"(Stopping auto-attach service\.\.\.)",
      cat("Detaching from PID ", pid),
      cat("⊗ Detached from PID ", pid, R"( \(job: )", job, R"(\))"),
      "State saved",
      "Auto-attach service stopped",
      "Service stopped gracefully"};
  const std::vector<std::string> lines = messages_of(box.log());
  auto at = lines.begin();
  for (const std::string& line : wanted) {
    at = std::find_if(at, lines.end(),
                      [&](const std::string& text) { return std::regex_match(text, std::regex(line)); });
    ASSERT_NE(at, lines.end()) << line << " does not follow what stands before it\n" << box.log();
    ++at;
  }
  EXPECT_EQ(at, lines.end()) << "the last line is the last";
  EXPECT_EQ(box.count_log("Scanning for processes..."), 1u) << "later ones are for debugging";
}

}  // namespace
}  // namespace ffrtmp::test
