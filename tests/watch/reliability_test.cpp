// Failures that are made to happen: retry and dead letters, health, the state file.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <filesystem>
#include <set>
#include <thread>

#include "base/clock.h"
#include "base/text.h"
#include "sys/fd.h"
#include "tests/watch/watch_box.h"

namespace ffrtmp::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

const std::string kQuota = "default_limits: {cpu_quota: 50}\n";
const std::string kRetry = "retry: {enabled: true, max_attempts: 3}\n";

boost::json::object read_state(const WatchBox& box) {
  boost::system::error_code error;
  const auto state = boost::json::parse(read_file(box.state_path()), error);
  EXPECT_FALSE(error) << error.message() << ": " << read_file(box.state_path());
  return state.is_object() ? state.as_object() : boost::json::object();
}

std::int64_t statistic(const WatchBox& box, const std::string& name) {
  const auto state = read_state(box);
  const auto* statistics = state.if_contains("statistics");
  return statistics == nullptr ? -1 : statistics->at(name).to_number<std::int64_t>();
}

// contract: G36
TEST(Reliability, TriesAtZeroOneThreeSevenSecondsThenADeadLetter) {
  NEED_ROOT();
  WatchBox box;
  const pid_t pid = box.start_target();
  box.write_policy(kQuota + kRetry + "scan_interval: 500ms\n");
  box.start_daemon({"--fault"}, {"FFRTMP_FAULT=move:EBUSY"});
  std::vector<std::chrono::steady_clock::time_point> tries;
  for (std::size_t n = 1; n <= 4; ++n) {
    ASSERT_TRUE(eventually([&] { return box.count_log("failed (transient)") >= n; }, 30s)) << n;
    tries.push_back(std::chrono::steady_clock::now());
    const std::string waits = cat("ffrtmp_retry_queue_length{component=\"watch\"} ", n < 4 ? 1 : 0, "\n");
    EXPECT_TRUE(eventually([&] { return box.get("/metrics").second.find(waits) != std::string::npos; }, 300ms)) << n;
  }
  const std::string metrics = box.get("/metrics").second;
  EXPECT_NE(metrics.find("ffrtmp_dead_letters{component=\"watch\"} 1\n"), std::string::npos) << metrics;
  const std::vector<std::chrono::milliseconds> due{0ms, 1000ms, 3000ms, 7000ms};
  for (std::size_t n = 1; n < due.size(); ++n) {
    const auto at = tries[n] - tries[0];
    EXPECT_GE(at, due[n] * 9 / 10 - 100ms) << n;
    EXPECT_LE(at, due[n] * 11 / 10 + 1500ms) << n << ": on a busy machine";
  }
  std::this_thread::sleep_for(2s);
  EXPECT_EQ(box.count_log("failed (transient)"), 4u) << "scans leave it alone";
  EXPECT_EQ(box.count_log("added to retry queue"), 3u);
  const std::string letters = box.get("/v1/dead-letters").second;
  EXPECT_NE(letters.find("\"reason\":\"exhausted\""), std::string::npos) << letters;
  EXPECT_NE(letters.find(cat("\"pid\":", pid)), std::string::npos);
  EXPECT_FALSE(box.is_governed(pid));
  EXPECT_EQ(box.groups(), std::vector<std::string>{}) << "a failed join leaves no group";
}

// contract: G36
TEST(Reliability, AReloadDuringABackoffLeavesOneChainOfTries) {
  NEED_ROOT();
  WatchBox box;
  const pid_t pid = box.start_target();
  box.write_policy(kQuota + "scan_interval: 1h\nretry: {enabled: true, max_attempts: 3, initial_backoff: 500ms}\n");
  box.start_daemon({"--fault"}, {"FFRTMP_FAULT=move:EBUSY"});
  ASSERT_TRUE(box.wait_log("failed (transient)", 2)) << "the next one waits a second";
  box.daemon().send(SIGHUP);
  std::vector<std::chrono::steady_clock::time_point> tries;
  for (std::size_t n = 3; n <= 6; ++n) {
    ASSERT_TRUE(box.wait_log("failed (transient)", n)) << n;
    tries.push_back(std::chrono::steady_clock::now());
  }
  const std::vector<std::chrono::milliseconds> due{0ms, 500ms, 1500ms, 3500ms};
  for (std::size_t n = 1; n < due.size(); ++n) EXPECT_GE(tries[n] - tries[0], due[n] * 9 / 10 - 100ms) << n;
  std::this_thread::sleep_for(1s);
  EXPECT_EQ(box.count_log(cat("Attachment to PID ", pid, " failed")), 6u) << "given up";
  EXPECT_EQ(box.count_log("added to retry queue"), 5u);
}

// contract: G37
TEST(Reliability, PermanentResourceAndGone) {
  NEED_ROOT();
  {
    WatchBox box;
    box.start_target();
    box.write_policy(kQuota + kRetry);
    box.start_daemon({"--fault"}, {"FFRTMP_FAULT=move:EPERM"});
    ASSERT_TRUE(box.wait_log("failed (permanent): "));
    ASSERT_TRUE(box.wait_ready());
    EXPECT_NE(box.get("/v1/dead-letters").second.find("\"reason\":\"permanent\""), std::string::npos);
    EXPECT_EQ(box.count_log("added to retry queue"), 0u);
    EXPECT_NE(box.get("/metrics").second.find("ffrtmp_discovery_new_attachments{component=\"watch\"} 0\n"),
              std::string::npos)
        << "found, and not attached";
    EXPECT_NE(box.get("/violations").second.find("\"reason\":\"attach_failed\""), std::string::npos);
  }
  {
    WatchBox box;
    const pid_t pid = box.start_target();
    box.write_policy(kQuota + kRetry);
    box.start_daemon({"--fault"}, {"FFRTMP_FAULT=move:ENOMEM:1"});
    ASSERT_TRUE(box.wait_governed(pid));
    EXPECT_EQ(box.count_log("failed (resource), added to retry queue"), 1u);
    EXPECT_NE(box.get("/metrics").second.find("ffrtmp_retry_attempts_total{component=\"watch\",result=\"success\"} 1"),
              std::string::npos);
  }
  {
    WatchBox box;
    box.start_target();
    box.write_policy(kQuota + kRetry + "scan_interval: 1h\n");
    box.start_daemon({"--fault"}, {"FFRTMP_FAULT=move:ESRCH"});
    ASSERT_TRUE(box.wait_ready());
    EXPECT_EQ(box.count_log("failed ("), 0u) << "gone is no failure";
    EXPECT_NE(box.get("/metrics").second.find("ffrtmp_attach_total{component=\"watch\",result=\"gone\"} 1"),
              std::string::npos);
  }
}

// contract: G37
TEST(Reliability, OneLetterAnIdentity) {
  NEED_ROOT();
  WatchBox box;
  const pid_t pid = box.start_target();
  box.write_policy(kQuota + kRetry + "scan_interval: 200ms\n");
  const auto start = [&] {
    box.start_daemon({"--fault"}, {"FFRTMP_FAULT=move:EPERM"});
    ASSERT_TRUE(box.wait_ready());
  };
  const auto letters = [&] {
    const auto parsed = boost::json::parse(box.get("/v1/dead-letters").second).as_array();
    return std::count_if(parsed.begin(), parsed.end(), [&](const auto& letter) { return letter.at("pid") == pid; });
  };
  start();
  EXPECT_EQ(letters(), 1);
  EXPECT_EQ(box.stop_daemon(), 0);
  const std::size_t scans = box.count_log("Scan complete");
  start();
  ASSERT_TRUE(box.wait_log("Scan complete", scans + 3));
  EXPECT_EQ(letters(), 1);
  EXPECT_EQ(box.count_log(cat("Attaching to PID ", pid)), 1u) << "scans leave it alone, after a restart too";
  EXPECT_EQ(box.count_log("stale PIDs"), 0u) << "it lives";
  box.daemon().send(SIGHUP);
  ASSERT_TRUE(box.wait_log(cat("Attaching to PID ", pid), 2)) << "another chance";
  ASSERT_TRUE(box.wait_log("failed (permanent)", 2));
  EXPECT_EQ(letters(), 1);
  EXPECT_EQ(box.stop_daemon(), 0);
  EXPECT_EQ(statistic(box, "total_discovered"), 1);
  EXPECT_EQ(read_state(box).at("dead_letters").as_array().size(), 1u);
}

// contract: G38
TEST(Reliability, HealthGoesBothWays) {
  NEED_ROOT();
  WatchBox box;
  box.write_policy(kQuota + "scan_interval: 1s\n");
  box.start_daemon({"--fault"}, {"FFRTMP_FAULT=scan:EIO:6"});
  EXPECT_TRUE(box.wait_log("Health status: degraded (scan failures: 3, attach failures: 0)"));
  EXPECT_TRUE(box.wait_log("Health status: unhealthy (scan failures: 5, attach failures: 0)"));
  EXPECT_EQ(box.get("/healthz").first, 503);
  EXPECT_EQ(box.get("/readyz").first, 503);
  EXPECT_TRUE(box.wait_log("Health status: healthy (scan failures: 0, attach failures: 0)"));
  EXPECT_EQ(box.get("/healthz").first, 200);
  EXPECT_EQ(box.get("/readyz").first, 200);
}

// What a service manager hears: the socket of NOTIFY_SOCKET.
class ServiceManager {
 public:
  explicit ServiceManager(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  // How often `message` came since it was asked last.
  std::size_t count(const std::string& message) {
    std::array<char, 4096> text;
    std::size_t times = 0;
    for (ssize_t size = 0; (size = recv(socket_.get(), text.data(), text.size(), MSG_DONTWAIT)) >= 0;)
      if (std::string_view(text.data(), static_cast<std::size_t>(size)).find(message) != std::string_view::npos)
        ++times;
    return times;
  }

 private:
  sys::Fd socket_;
};

// contract: G39
TEST(Reliability, AHangingScanIsSeenByItsAge) {
  NEED_ROOT();
  WatchBox box;
  box.write_policy(kQuota + "scan_interval: 1s\nhealth: {max_scan_age: 6s}\n");
  ServiceManager systemd(box.path("notify"));
  // Three scans fail, the fourth never returns.
  box.start_daemon({"--fault"}, {"FFRTMP_FAULT=scan:EIO:3,scan:STALL", "WATCHDOG_USEC=1000000",
                                 cat("NOTIFY_SOCKET=", box.path("notify"))});
  ASSERT_TRUE(box.wait_log("Scan failed", 3));
  EXPECT_GT(systemd.count("WATCHDOG=1"), 0u) << "alive so far";
  std::this_thread::sleep_for(1500ms);
  (void)systemd.count("WATCHDOG=1");
  EXPECT_EQ(box.get("/healthz").first, 200) << "not yet too old, and three failures are no five";
  ASSERT_TRUE(eventually([&] { return box.get("/healthz").first == 503; }, 15s));
  EXPECT_EQ(box.get("/readyz").first, 503);
  EXPECT_EQ(box.count_log("Health status: unhealthy (scan failures: 3, attach failures: 0)"), 1u);
  EXPECT_EQ(systemd.count("WATCHDOG=1"), 0u) << "a loop that hangs must be restarted";
  box.daemon().send(SIGKILL);
  EXPECT_EQ(box.daemon().wait(10s), 128 + SIGKILL);
}

// contract: G35 (how often: FFRTMP_WATCH_ROUNDS, 100 in a long run)
TEST(Reliability, WhatWasAttachedBeforeTheEndIsInTheFile) {
  NEED_ROOT();
  const char* asked = std::getenv("FFRTMP_WATCH_ROUNDS");
  const int rounds = asked == nullptr ? 10 : static_cast<int>(parse_int(asked).value_or(10));
  WatchBox box;
  box.write_policy(kQuota);  // flushed every 30 s: what the file holds after a second comes from the end
  int attached = 0;
  for (int round = 0; round < rounds; ++round) {
    std::vector<pid_t> pids;
    for (int i = 0; i <= round % 3; ++i) pids.push_back(box.start_target());
    attached += static_cast<int>(pids.size());
    box.start_daemon();
    // As the kernel tells it; the daemon may still be busy with it.
    for (const pid_t pid : pids) ASSERT_TRUE(eventually([&] { return box.is_governed(pid); }, 30s));
    EXPECT_EQ(box.stop_daemon(), 0);
    EXPECT_EQ(statistic(box, "total_discovered"), attached) << round;
    EXPECT_EQ(statistic(box, "total_attachments"), attached) << round;
    EXPECT_TRUE(read_state(box).at("processes").as_object().empty()) << "they were put back";
    for (const pid_t pid : pids) {
      EXPECT_FALSE(box.is_governed(pid));
      box.end(pid);
    }
  }
  const std::string log = box.log();
  EXPECT_EQ(box.count_log("State saved"), static_cast<std::size_t>(rounds));
  EXPECT_GT(log.rfind("State saved"), log.rfind("Detaching from PID"));
}

TEST(Reliability, ADiskThatHangsHoldsNoStop) {
  NEED_ROOT();
  WatchBox box;
  const pid_t pid = box.start_target();
  box.write_policy(kQuota);
  box.start_daemon({"--fault"}, {"FFRTMP_FAULT=flush:STALL"});
  ASSERT_TRUE(box.wait_governed(pid));
  ASSERT_TRUE(box.wait_ready());
  const auto begun = std::chrono::steady_clock::now();
  box.daemon().send(SIGTERM);
  EXPECT_EQ(box.daemon().wait(10s), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);
  EXPECT_FALSE(box.is_governed(pid));
  EXPECT_EQ(box.count_log("State could not be saved"), 1u);
  EXPECT_EQ(box.count_log("State saved"), 0u);
}

// A second signal in the middle of a stop: who still has its limits is in the file, and not counted again.
TEST(Reliability, WhoKeepsItsLimitsAtASecondSignalIsInTheFile) {
  NEED_ROOT();
  constexpr int kTargets = 300;
  WatchBox box;
  box.write_policy(kQuota);
  std::vector<pid_t> pids;
  for (int i = 0; i < kTargets; ++i) pids.push_back(box.start_target());
  box.start_daemon();
  ASSERT_TRUE(box.wait_ready());
  for (const pid_t pid : pids) ASSERT_TRUE(box.wait_governed(pid));
  // Held where it has let go of a few, as the signal counts as a second one half a second later.
  box.daemon().send(SIGTERM);
  while (box.count_log("Detaching from PID") == 0 && box.daemon().running()) std::this_thread::yield();
  box.daemon().send(SIGSTOP);
  std::this_thread::sleep_for(700ms);
  box.daemon().send(SIGTERM);
  box.daemon().send(SIGCONT);
  EXPECT_EQ(box.daemon().wait(30s), 0);
  ASSERT_EQ(box.count_log("Second signal: the rest keeps its limits"), 1u);
  std::set<std::string> kept;
  for (const pid_t pid : pids)
    if (box.is_governed(pid)) kept.insert(cat(pid));
  ASSERT_GT(kept.size(), 0u);
  std::set<std::string> in_file;
  const auto state = read_state(box);
  for (const auto& process : state.at("processes").as_object()) in_file.insert(process.key());
  EXPECT_EQ(in_file, kept);
  box.start_daemon();
  ASSERT_TRUE(box.wait_ready());
  EXPECT_EQ(box.count_log("Re-adopted PID"), kept.size());
  EXPECT_EQ(box.stop_daemon(), 0);
  const auto again = static_cast<std::int64_t>(kTargets - kept.size());  // let go, so that they are found anew
  EXPECT_EQ(statistic(box, "total_discovered"), kTargets + again);
}

// contract: G34 (how often: FFRTMP_WATCH_ROUNDS)
TEST(Reliability, AKillAtEachSystemCallOfAFlushLeavesAWholeState) {
  NEED_ROOT();
  // Behind the creation of the temporary file: write, fsync, rename, fsync of the directory, and into the next flush.
  constexpr int kCalls = 6;
  constexpr auto kFlushInterval = 200ms;
  constexpr auto kSlack = 800ms;  // a scan's interval, and a busy machine; the daemon runs for longer
  const char* asked = std::getenv("FFRTMP_WATCH_ROUNDS");
  const int rounds = asked == nullptr ? 1 : static_cast<int>(parse_int(asked).value_or(1));
  WatchBox box;
  box.start_target();
  box.write_policy(kQuota + "scan_interval: 100ms\nstate: {enabled: true, fsync: true, path: " + box.state_path() +
                   ", flush_interval: 200ms}\n");
  for (int kill = 0; kill < rounds * kCalls * 2; ++kill) {
    const int nth = kill / 2 % kCalls + 1;
    const std::string boundary = kill % 2 == 0 ? "enter" : "exit";
    box.start_daemon({"--log-level", "error"});
    ASSERT_TRUE(box.wait_ready());
    std::this_thread::sleep_for(kFlushInterval + kSlack);
    Process killer({FFRTMP_KILL_AT, cat(box.daemon().pid()), "self", "openat:watch.json.",
                    "write,fsync,rename,renameat,renameat2", cat(nth), boundary, "20"},
                   box.path("killer.log"));
    // It is reaped later, when its tracer lets go.
    ASSERT_TRUE(eventually([&] { return !box.alive(box.daemon().pid()); }, 30s));
    const UtcTime killed_at = SystemClock().now().utc;
    EXPECT_EQ(box.daemon().wait(30s), 128 + SIGKILL);
    ASSERT_EQ(killer.wait(30s), 0) << read_file(box.path("killer.log"));
    const std::string killed = cat(nth, " ", boundary);
    const auto state = read_state(box);
    ASSERT_TRUE(state.contains("last_scan_at")) << killed;
    const std::string oldest = format_utc(killed_at - kFlushInterval - kSlack);
    EXPECT_GE(state.at("last_scan_at").as_string(), oldest) << killed;
    EXPECT_EQ(statistic(box, "total_discovered"), 1) << killed;
  }
  box.start_daemon();
  ASSERT_TRUE(box.wait_ready());
  EXPECT_EQ(box.stop_daemon(), 0);
  std::set<std::string> files;
  for (const auto& entry : fs::directory_iterator(fs::path(box.state_path()).parent_path()))
    files.insert(entry.path().filename().string());
  EXPECT_EQ(files, (std::set<std::string>{"watch.json", "watch.json.lock"})) << "no half files, nothing kept aside";
}

// contract: G33
TEST(Reliability, AStateThatCannotBeReadIsKeptAside) {
  NEED_ROOT();
  for (const auto& [text, suffix] : std::map<std::string, std::string>{{"{\"version\":\"1.1\",\"proc", ".corrupt-"},
                                                                       {"{\"version\":\"9.0\"}", ".unsupported-"}}) {
    WatchBox box;
    write_file(box.state_path(), text);
    box.write_policy(kQuota);
    box.start_daemon();
    ASSERT_TRUE(box.wait_ready());
    EXPECT_EQ(box.stop_daemon(), 0);
    bool is_kept = false;
    for (const auto& entry : fs::directory_iterator(fs::path(box.state_path()).parent_path()))
      is_kept = is_kept || (entry.path().string().find(suffix) != std::string::npos && read_file(entry.path()) == text);
    EXPECT_TRUE(is_kept) << suffix;
  }
  WatchBox box;
  write_file(box.state_path(),
             "{\"version\":\"1.1\",\"boot_id\":\"another\",\"processes\":{\"1\":{\"pid\":1,\"start_ticks\":5}},"
             "\"statistics\":{\"total_scans\":40,\"total_discovered\":30,\"total_attachments\":20}}");
  box.write_policy(kQuota + "scan_interval: 1h\n");
  box.start_daemon();
  ASSERT_TRUE(box.wait_ready());
  EXPECT_NE(box.get("/v1/status").second.find("\"total_scans\":41,\"total_discovered\":30,\"total_attachments\":20"),
            std::string::npos)
      << box.get("/v1/status").second;
}

}  // namespace
}  // namespace ffrtmp::test
