// deploy/systemd/ffrtmp-watch.service: what it takes away must not be needed.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/text.h"
#include "sys/exec_gate.h"
#include "tests/watch/watch_box.h"

namespace ffrtmp::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// Of the unit: "CAP_NET_ADMIN CAP_…" as setpriv(1) wants it, "-all,+net_admin,…".
std::string bounding_set() {
  const std::string key = "CapabilityBoundingSet=";
  const std::string unit = read_file(std::string(FFRTMP_SOURCE_DIR) + "/deploy/systemd/ffrtmp-watch.service");
  const auto at = unit.find(key) + key.size();
  const std::string names = unit.substr(at, unit.find('\n', at) - at);
  std::string set = "-all";
  for (const std::string_view name : split(names, ' '))
    set += ",+" + to_lower(name.substr(std::string_view("CAP_").size()));
  return set;
}

TEST(Service, ItsCapabilitiesAreEnough) {
  NEED_ROOT();
  if (access("/usr/bin/setpriv", X_OK) != 0) GTEST_SKIP() << "no setpriv";
  if (const auto gate = sys::ExecGate::open(); !gate) GTEST_SKIP() << "no permission events: " << gate.error().message;
  WatchBox box;
  box.install("/bin/dash");
  ASSERT_EQ(mkfifo(box.path("fifo").c_str(), 0600), 0);
  ASSERT_EQ(chown(box.path("fifo").c_str(), 65534, 65534), 0);
  fs::permissions(box.path(""), fs::perms::group_exec | fs::perms::others_exec, fs::perm_options::add);
  const pid_t foreign = box.start({"/usr/bin/setpriv", "--reuid", "65534", "--clear-groups",
                                   box.path("bin/" + box.target()), "-c", cat("read line < ", box.path("fifo"))});
  box.write_policy(
      "default_limits: {cpu_quota: 50, nice: -3, oom_score_adj: 100}\ndiscovery: {events: gate, gate_budget: 900ms, "
      "gate_paths: [" +
      box.path("bin/" + box.target()) + "]}\n");
  Arguments argv{"/usr/bin/setpriv", "--bounding-set", bounding_set()};
  for (const std::string& word : box.command({"watch"})) argv.push_back(word);
  Process daemon(argv, box.path("watch.log"));
  ASSERT_TRUE(box.wait_ready());
  const std::string status = box.get("/v1/status").second;
  EXPECT_TRUE(eventually([&] { return box.get("/v1/status").second.find("\"gate\":\"on\"") != std::string::npos; }))
      << status;
  EXPECT_EQ(status.find("\"events\":\"on\"") != std::string::npos, has_process_events()) << status;
  const std::string out = box.path("born");
  const pid_t born = box.start_target({"-c", cat("while read l; do echo \"$l\"; done < /proc/$$/cgroup > ", out)});
  waitpid(born, nullptr, 0);
  EXPECT_NE(read_file(out).find("/ffrtmp/auto-"), std::string::npos) << "before its first instruction";
  EXPECT_TRUE(box.is_governed(foreign));
  EXPECT_EQ(box.nice_of(foreign), -3);
  EXPECT_EQ(read_file(cat("/proc/", foreign, "/oom_score_adj")), "100\n");
  daemon.send(SIGTERM);
  EXPECT_EQ(daemon.wait(std::chrono::seconds(20)), 0);
  EXPECT_FALSE(box.is_governed(foreign));
  EXPECT_EQ(box.nice_of(foreign), 0);
}

// What systemctl(1) shows of a unit.
std::string property(const std::string& unit, const std::string& name) {
  return std::string(trim(run_command({"/usr/bin/systemctl", "show", "--value", "-p", name, unit}).out));
}

// contract: G15
TEST(Service, UnderSystemdAKilledDaemonComesBack) {
  NEED_ROOT();
  if (!fs::exists("/run/systemd/system")) GTEST_SKIP() << "systemd is not in charge: tools/test-in-vm --systemd";
  WatchBox box;
  const std::string unit = box.target() + ".service";
  const std::string file = "/run/systemd/system/" + unit;
  box.write_policy("default_limits: {cpu_quota: 50}\nplacement: root\n");
  const char* libraries = std::getenv("LD_LIBRARY_PATH");
  // As the real one, with the binary and the directories of this test.
  write_file(file, cat("[Service]\nType=notify\nKillMode=process\nDelegate=yes\nRestart=on-failure\nRestartSec=1s\n",
                       "Environment=LD_LIBRARY_PATH=", libraries == nullptr ? "" : libraries, "\nExecStart=",
                       join(box.command({"watch"}), " "), "\nExecStopPost=-", ffrtmp_binary(), " reopen-unit\n"));
  EXPECT_EQ(run_command({"/usr/bin/systemctl", "daemon-reload"}).exit_code, 0);
  EXPECT_EQ(run_command({"/usr/bin/systemctl", "start", unit}).exit_code, 0);
  const pid_t pid = box.start_target();
  const std::string before = box.group_of(pid);
  const auto is_limited = [&] {
    return box.group_of(pid).starts_with("/system.slice/" + unit + "/ffrtmp/auto-") &&
           box.knob(pid, "cpu", "cpu.max", "") == "50000 100000";
  };
  EXPECT_TRUE(eventually(is_limited, 30s));
  const std::string killed = property(unit, "MainPID");
  ASSERT_NE(killed, "0");
  kill(static_cast<pid_t>(parse_int(killed).value_or(0)), SIGKILL);
  EXPECT_TRUE(
      eventually([&] { return property(unit, "ActiveState") == "active" && property(unit, "MainPID") != killed; }, 30s))
      << run_command({"/usr/bin/systemctl", "status", "--no-pager", unit}).out;
  EXPECT_EQ(property(unit, "NRestarts"), "1");
  EXPECT_TRUE(eventually(is_limited, 30s)) << "in its group, under its limit";
  EXPECT_EQ(run_command({"/usr/bin/systemctl", "stop", unit}).exit_code, 0);
  EXPECT_EQ(box.group_of(pid), before);
  EXPECT_TRUE(box.alive(pid));
  fs::remove(file);
}

}  // namespace
}  // namespace ffrtmp::test
