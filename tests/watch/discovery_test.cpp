// How processes are found: by event, by scan, by what they are called, and which are left alone.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "base/text.h"
#include "sys/proc_fs.h"
#include "tests/watch/watch_box.h"

namespace ffrtmp::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

const std::string kQuota = "default_limits: {cpu_quota: 50}\n";

#define NEED_EVENTS() \
  if (!has_process_events()) GTEST_SKIP() << "the kernel tells no process events here"

TEST(Discovery, ARunningTargetIsFoundByTheFirstScanAndANewOneByItsExec) {
  NEED_ROOT();
  WatchBox box;
  const pid_t before = box.start_target();
  ASSERT_TRUE(box.govern(before, kQuota + "scan_interval: 1h\n"));
  ASSERT_TRUE(box.wait_ready());
  EXPECT_EQ(box.knob(before, "cpu", "cpu.max", "cpu.cfs_quota_us"), is_cgroup_v2() ? "50000 100000" : "50000");
  if (has_process_events()) {
    const pid_t after = box.start_target();
    EXPECT_TRUE(box.wait_governed(after));
    const auto [status, body] = box.get("/v1/processes");
    EXPECT_EQ(status, 200);
    for (const pid_t pid : {before, after}) EXPECT_NE(body.find(cat("\"pid\":", pid, ",")), std::string::npos);
  }
  EXPECT_EQ(box.stop_daemon(), 0);
  EXPECT_FALSE(box.is_governed(before)) << "restored";
  EXPECT_TRUE(box.alive(before));
  EXPECT_EQ(box.groups(), std::vector<std::string>{});
}

// contract: G26
TEST(Discovery, ShortJobsAreGovernedBeforeTheyEnd) {
  NEED_ROOT();
  NEED_EVENTS();
  constexpr int kJobs = 200;
  WatchBox box;
  box.install("/bin/dash");
  box.write_policy(kQuota + "scan_interval: 1h\n");
  box.start_daemon();
  ASSERT_TRUE(box.wait_ready());
  // Each job says itself, at its end, in which groups it was.
  for (int i = 0; i < kJobs; ++i) {
    const std::string out = box.path(cat("job", i));
    const pid_t pid = box.start_target(
        {"-c", cat("sleep 0.1; while read l; do echo \"$l\"; done < /proc/$$/cgroup > ", out, "; echo end >> ", out)});
    std::this_thread::sleep_for(5ms);
    if (i % 20 == 19) waitpid(pid, nullptr, 0);
  }
  int governed = 0;
  for (int i = 0; i < kJobs; ++i) {
    const std::string out = box.path(cat("job", i));
    EXPECT_TRUE(eventually([&] { return fs::exists(out) && read_file(out).ends_with("end\n"); }, 30s));
    if (read_file(out).find("/ffrtmp/auto-") != std::string::npos) ++governed;
  }
  EXPECT_EQ(governed, kJobs);
}

// contract: G27
TEST(Discovery, LostEventsCauseAFullLook) {
  NEED_ROOT();
  NEED_EVENTS();
  WatchBox box;
  box.write_policy(kQuota + "scan_interval: 1h\n");
  box.start_daemon({"--event-buffer", "4096"});
  ASSERT_TRUE(box.wait_ready());
  // The daemon stands still while more happens than its buffer holds.
  box.daemon().send(SIGSTOP);
  for (int i = 0; i < 300; ++i) {
    const pid_t pid = box.start({"/bin/true"});
    waitpid(pid, nullptr, 0);
  }
  std::vector<pid_t> targets;
  for (int i = 0; i < 20; ++i) targets.push_back(box.start_target());
  box.daemon().send(SIGCONT);
  for (const pid_t pid : targets) EXPECT_TRUE(box.wait_governed(pid)) << pid;
  EXPECT_TRUE(box.wait_log("Process events were lost"));
}

// contract: G28
TEST(Discovery, WithoutEventsTheScanFindsThem) {
  NEED_ROOT();
  WatchBox box;
  box.write_policy(kQuota + "scan_interval: 1s\ndiscovery: {events: \"off\"}\n");
  box.start_daemon();
  ASSERT_TRUE(box.wait_ready());
  const pid_t one = box.start_target();
  EXPECT_TRUE(box.wait_governed(one, 4s)) << "interval, 250 ms, and a busy machine";
  std::vector<pid_t> more;
  for (int i = 0; i < 5; ++i) more.push_back(box.start_target());
  for (const pid_t pid : more) EXPECT_TRUE(box.wait_governed(pid, 5s));
}

// contract: G28
TEST(Discovery, OneScanFindsAllThatStartedMeanwhile) {
  NEED_ROOT();
  const std::size_t count = std::getenv("FFRTMP_TEST_ALL") != nullptr ? 1000 : 50;
  WatchBox box;
  box.write_policy(kQuota + "scan_interval: 1h\ndiscovery: {events: \"off\"}\n");
  box.start_daemon();
  ASSERT_TRUE(box.wait_ready());
  std::vector<pid_t> pids;
  for (std::size_t i = 0; i < count; ++i) pids.push_back(box.start_target());
  for (const pid_t pid : pids)
    ASSERT_TRUE(eventually([&] { return sys::read_stat(sys::Host::real(), pid)->comm == box.target(); })) << pid;
  box.daemon().send(SIGHUP);  // it looks at once
  ASSERT_TRUE(box.wait_log("Scan complete: new=" + std::to_string(count), 1, 180s));
  for (const pid_t pid : pids) EXPECT_TRUE(box.is_governed(pid)) << pid;
  EXPECT_EQ(box.count_log("✓ Attached to PID"), count);
  EXPECT_EQ(box.stop_daemon(), 0);
  for (const pid_t pid : pids) EXPECT_TRUE(box.alive(pid)) << pid;
}

// contract: G29
TEST(Discovery, EachTargetIsAttachedOnce) {
  NEED_ROOT();
  constexpr std::size_t kTargets = 100;
  WatchBox box;
  std::vector<pid_t> pids;
  for (std::size_t i = 0; i < kTargets; ++i) pids.push_back(box.start_target());
  box.write_policy(kQuota + "scan_interval: 100ms\n");
  box.start_daemon();
  ASSERT_TRUE(box.wait_log("Scan complete", 100, 120s));
  EXPECT_EQ(box.count_log("Attaching to PID"), kTargets);
  EXPECT_EQ(box.count_log("✓ Attached to PID"), kTargets);
  const auto shows = [&](std::size_t count) {
    const std::string metrics = box.get("/metrics").second;
    const std::string active =
        cat("active_attachments{component=\"watch\",command=\"", box.target(), "\"} ", count, "\n");
    const std::string tracked = cat("discovery_tracked_processes{component=\"watch\"} ", count, "\n");
    return metrics.find(active) != std::string::npos && metrics.find(tracked) != std::string::npos;
  };
  EXPECT_TRUE(shows(kTargets));
  for (std::size_t i = 0; i < 10; ++i) box.end(pids[i]);
  EXPECT_TRUE(eventually([&] { return shows(kTargets - 10); }));
}

// contract: G24
TEST(Discovery, WhichNameCounts) {
  NEED_ROOT();
  for (const auto& [mode, wanted] : std::map<std::string, bool>{{"exe", false}, {"argv0", true}, {"any", true}}) {
    WatchBox box;
    const pid_t faked = box.start({"/bin/sleep", "600"}, box.target());
    const pid_t real = box.start_target({"600"}, "other");
    box.write_policy(kQuota + "match: " + mode + "\n");
    box.start_daemon();
    ASSERT_TRUE(box.wait_ready());
    EXPECT_EQ(box.is_governed(faked), wanted) << mode;
    EXPECT_EQ(box.is_governed(real), mode != "argv0") << mode;
    box.end(faked);
  }
}

// contract: G48
TEST(Discovery, AWrapperThatExecsLater) {
  NEED_ROOT();
  for (const char* events : {"auto", "\"off\""}) {
    WatchBox box;
    box.write_policy(kQuota + "scan_interval: 1s\ndiscovery: {events: " + events + "}\n");
    box.start_daemon();
    ASSERT_TRUE(box.wait_ready());
    const pid_t wrapper = box.start({"/bin/sh", "-c", cat("sleep 2; exec ", box.path("bin/" + box.target()), " 600")});
    EXPECT_TRUE(box.wait_log("Scan complete", 2));
    EXPECT_TRUE(box.wait_governed(wrapper)) << events;
  }
}

// contract: G48
TEST(Discovery, SymlinkChrootAndNamespaces) {
  NEED_ROOT();
  WatchBox box;
  fs::create_symlink("/bin/sleep", box.path("bin/link"));
  fs::rename(box.path("bin/link"), box.path("bin/" + box.target()));  // the target's name is a link to another program
  box.write_policy(kQuota + "scan_interval: 1s\n");
  box.start_daemon();
  ASSERT_TRUE(box.wait_ready());
  const pid_t linked = box.start_target();
  EXPECT_TRUE(box.wait_governed(linked));
  // A root of its own with what the program needs.
  const std::string root = box.path("root");
  fs::create_directories(root);
  const std::string setup =
      cat("for d in bin lib lib64 usr; do [ -e /$d ] && mkdir -p ", root, "/$d && mount --bind /$d ", root,
          "/$d; done; ", "mkdir -p ", root, "/t && cp /bin/sleep ", root, "/t/", box.target(), " && exec ");
  const pid_t jailed = box.start({"/usr/bin/unshare", "-m", "--propagation", "private", "/bin/sh", "-c",
                                  cat(setup, "chroot ", root, " /t/", box.target(), " 600")});
  EXPECT_TRUE(box.wait_governed(jailed));
  // Renamed, as a copy would write through the link.
  fs::copy_file("/bin/sleep", box.path("own"));
  fs::rename(box.path("own"), box.path("bin/" + box.target()));
  const pid_t inner = box.start({"/usr/bin/unshare", "-m", "-p", "-f", "--kill-child", "--mount-proc", "/bin/sh", "-c",
                                 cat("exec ", box.path("bin/" + box.target()), " 600")});
  std::set<pid_t> found;
  EXPECT_TRUE(eventually(
      [&] {
        const auto below = sys::read_descendants(sys::Host::real(), inner);
        for (const auto& stat : *below)
          if (box.is_governed(stat.pid)) found.insert(stat.pid);
        return !found.empty();
      },
      30s));
}

// contract: G43
TEST(Discovery, TheDaemonsOwnChildrenAreNoTargets) {
  NEED_ROOT();
  WatchBox box;
  box.write_policy(kQuota + "scan_interval: 200ms\n");
  // The shell becomes the daemon: what it started before is the daemon's child.
  std::string line;
  for (const std::string& word : box.command({"watch", "--log-level", "debug"})) line += " '" + word + "'";
  const pid_t daemon = box.start({"/bin/sh", "-c",
                                  cat(box.path("bin/" + box.target()), " 600 & echo $! > ", box.path("child"), "; exec",
                                      line, " 2> ", box.path("watch.log"))});
  ASSERT_TRUE(box.wait_log("Scan complete", 5));
  const auto child = static_cast<pid_t>(*parse_int(trim(read_file(box.path("child")))));
  EXPECT_FALSE(box.is_governed(child));
  EXPECT_EQ(box.count_log("Attaching"), 0u);
  EXPECT_EQ(box.get("/v1/processes").second, "[]");
  kill(child, SIGKILL);
  kill(daemon, SIGTERM);
}

// contract: G17
TEST(Discovery, WithoutLimitsNothingIsMoved) {
  NEED_ROOT();
  WatchBox box;
  const pid_t pid = box.start_target();
  const std::string before = box.group_of(pid);
  box.write_policy();
  box.start_daemon();
  ASSERT_TRUE(box.wait_log(cat("✓ Attached to PID ", pid, " ")));
  EXPECT_EQ(box.group_of(pid), before);
  EXPECT_EQ(box.groups(), std::vector<std::string>{});
}

// contract: G20, G21
TEST(Discovery, DirectoriesAreResolvedAndWhole) {
  NEED_ROOT();
  WatchBox box;
  for (const char* name : {"data/x", "database"}) fs::create_directories(box.path(name));
  fs::create_directory_symlink(box.path("data"), box.path("link"));
  const std::string program = box.path("bin/" + box.target());
  const pid_t in = box.start({program, "600"}, "", box.path("data/x"));
  const pid_t beside = box.start({program, "600"}, "", box.path("database"));
  ASSERT_TRUE(box.govern(beside, kQuota + "filters: {blocked_dirs: [" + box.path("link") + "]}\n"));
  ASSERT_TRUE(box.wait_ready());
  EXPECT_FALSE(box.is_governed(in));
}

// contract: G22
TEST(Discovery, ACommandsRuleWins) {
  NEED_ROOT();
  WatchBox box;
  const pid_t pid = box.start_target();
  ASSERT_TRUE(box.govern(pid, "default_limits: {cpu_quota: 100}\nfilters: {min_runtime: 60s}\ncommands: {" +
                                  box.target() + ": {filters: {min_runtime: 0s}, limits: {cpu_quota: 300}}}\n"));
  EXPECT_EQ(box.knob(pid, "cpu", "cpu.max", "cpu.cfs_quota_us"), is_cgroup_v2() ? "300000 100000" : "300000");
}

// contract: G25 (its clock is not touched here)
TEST(Discovery, MinRuntimeIsATimer) {
  NEED_ROOT();
  WatchBox box;
  box.write_policy(kQuota + "scan_interval: 1h\nfilters: {min_runtime: 3s}\n");
  const auto started = std::chrono::steady_clock::now();
  const pid_t pid = box.start_target();
  box.start_daemon();
  ASSERT_TRUE(box.wait_governed(pid));
  const auto age = std::chrono::steady_clock::now() - started;
  EXPECT_GE(age, 3s - 20ms) << "a clock tick, and the fork before the clock was read";
  EXPECT_LE(age, 6s) << "0.2 s, and a busy machine";
}

// contract: G30
TEST(Discovery, AReusedPidIsAnotherProcess) {
  NEED_ROOT();
  if (access("/proc/sys/kernel/ns_last_pid", W_OK) != 0) GTEST_SKIP() << "pids cannot be chosen here";
  WatchBox box;
  box.write_policy(kQuota + "scan_interval: 200ms\n");
  box.start_daemon();
  ASSERT_TRUE(box.wait_ready());
  const pid_t first = box.start_target();
  ASSERT_TRUE(box.wait_governed(first));
  pid_t again = 0;
  for (int attempt = 0; attempt < 50 && again != first; ++attempt) {
    if (again != 0)
      box.end(again);
    else
      box.end(first);
    std::ofstream("/proc/sys/kernel/ns_last_pid") << first - 1;
    again = box.start({"/bin/sleep", "600"});
  }
  if (again != first) GTEST_SKIP() << "the pid went to somebody else fifty times";
  ASSERT_TRUE(box.wait_log(cat("Process ", first, " exited")));
  const std::size_t scans = box.count_log("Scan complete");
  ASSERT_TRUE(box.wait_log("Scan complete", scans + 2));
  EXPECT_FALSE(box.is_governed(again));
  EXPECT_EQ(box.count_log("Attaching to PID"), 1u);
}

// Events are told by the kernel's connector, which asks for CAP_NET_ADMIN alone; groups cannot be made without root.
// contract: G50
TEST(Discovery, WithTheCapabilityForEventsAlone) {
  NEED_ROOT();
  if (access("/usr/bin/setpriv", X_OK) != 0) GTEST_SKIP() << "no setpriv";
  WatchBox box;
  fs::permissions(fs::path(box.path("")), fs::perms::all);
  box.write_policy(kQuota + "scan_interval: 1h\nstate: {enabled: false}\n");
  fs::permissions(box.path("watch.yaml"), fs::perms::owner_read | fs::perms::others_read);
  const Arguments nobody{"/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"};
  Arguments argv = nobody;
  argv.insert(argv.end(), {"--inh-caps", "-all,+net_admin", "--ambient-caps", "-all,+net_admin", "--bounding-set",
                           "-all,+net_admin"});
  for (const std::string& word : box.command({"watch", "--log-level", "debug"})) argv.push_back(word);
  Process daemon(argv, box.path("watch.log"));
  ASSERT_TRUE(box.wait_ready()) << box.log();
  EXPECT_TRUE(box.wait_log("nice_only")) << "what it cannot is said";
  const auto found = [&](pid_t pid) {
    return box.get("/v1/processes").second.find(cat("\"pid\":", pid)) != std::string::npos;
  };
  // The next scan is an hour away.
  Arguments own = nobody;
  own.insert(own.end(), {box.path("bin/" + box.target()), "600"});
  const pid_t pid = box.start(own);
  EXPECT_TRUE(eventually([&] { return found(pid); }, 10s)) << box.log();
  const auto [status, ready] = box.get("/readyz");
  EXPECT_EQ(status, 200);
  EXPECT_NE(ready.find(R"("events":{"status":"ok"})"), std::string::npos) << ready;
  EXPECT_NE(ready.find(R"("limits":{"status":"degraded","reason":"nice_only"})"), std::string::npos) << ready;
  daemon.send(SIGTERM);
  EXPECT_EQ(daemon.wait(20s), 0);
}

}  // namespace
}  // namespace ffrtmp::test
