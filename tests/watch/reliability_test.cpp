// Failures that are made to happen: retry and dead letters, health, the state file.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/text.h"
#include "tests/watch/watch_box.h"

namespace ffrtmp::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

const std::string kQuota = "default_limits: {cpu_quota: 50}\n";
const std::string kRetry = "retry: {enabled: true, max_attempts: 3}\n";

#define NEED_ROOT() \
  if (geteuid() != 0) GTEST_SKIP() << "needs root to govern"

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
  }
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

// contract: G39
TEST(Reliability, AHangingScanIsSeenByItsAge) {
  NEED_ROOT();
  WatchBox box;
  box.write_policy(kQuota + "scan_interval: 1s\nhealth: {max_scan_age: 2s}\n");
  box.start_daemon({"--fault"}, {"FFRTMP_FAULT=scan:STALL", "WATCHDOG_USEC=1000000"});
  EXPECT_TRUE(box.wait_log("Health status: unhealthy"));
  EXPECT_EQ(box.get("/healthz").first, 503);
  EXPECT_NE(box.get("/metrics").second.find("ffrtmp_health_state{component=\"watch\"} 2"), std::string::npos);
  box.daemon().send(SIGKILL);
  EXPECT_EQ(box.daemon().wait(10s), 128 + SIGKILL);
}

// contract: G35
TEST(Reliability, TheLastStateIsNeverLost) {
  NEED_ROOT();
  const char* asked = std::getenv("FFRTMP_WATCH_ROUNDS");
  const int rounds = asked == nullptr ? 10 : static_cast<int>(parse_int(asked).value_or(10));
  for (int round = 0; round < rounds; ++round) {
    WatchBox box;
    const pid_t pid = box.start_target();
    box.write_policy(kQuota);
    box.start_daemon();
    ASSERT_TRUE(box.wait_log(cat("✓ Attached to PID ", pid, " ")));
    EXPECT_EQ(box.stop_daemon(), 0);
    const std::string state = read_file(box.state_path());
    EXPECT_NE(state.find("\"total_discovered\":1,\"total_attachments\":1"), std::string::npos) << state;
    EXPECT_NE(state.find("\"processes\":{}"), std::string::npos) << "restored, so governed no more: " << state;
    EXPECT_GT(box.log().find("State saved"), box.log().find("Detaching from PID"));
  }
}

// contract: G34
TEST(Reliability, AKillAtAnyMomentLeavesAWholeState) {
  NEED_ROOT();
  const char* asked = std::getenv("FFRTMP_WATCH_ROUNDS");
  const int rounds = asked == nullptr ? 15 : static_cast<int>(parse_int(asked).value_or(15));
  WatchBox box;
  box.start_target();
  box.write_policy(kQuota + "scan_interval: 100ms\nstate: {enabled: true, path: " + box.state_path() +
                   ", flush_interval: 1ms}\n");
  for (int round = 0; round < rounds; ++round) {
    box.start_daemon();
    ASSERT_TRUE(eventually([&] { return fs::exists(box.state_path()); }, 30s));
    std::this_thread::sleep_for(std::chrono::milliseconds(150 + 37 * round % 100));
    EXPECT_EQ(box.stop_daemon(SIGKILL), 128 + SIGKILL);
    const std::string state = read_file(box.state_path());
    EXPECT_EQ(state.front(), '{');
    EXPECT_EQ(state.substr(state.size() - 2), "}\n") << "whole";
  }
  box.start_daemon();
  ASSERT_TRUE(box.wait_ready());
  EXPECT_EQ(box.count_log("State could not be read"), 0u);
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(box.state_path()).parent_path())) {
    EXPECT_FALSE(entry.path().filename().string().ends_with(".tmp") && files > 1) << entry.path();
    ++files;
  }
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
