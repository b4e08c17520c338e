#pragma once
// One watch daemon and its targets, for one test. Targets are copies of small programs under a name of their own, so
// that no other process of the host is ever meant; what the test knows of them it reads from /proc itself.
#include <gtest/gtest.h>
#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "tests/e2e/box.h"
#include "tests/support/temp_dir.h"

// A macro, as a skip has to stand in the test itself.
#define NEED_ROOT() \
  if (geteuid() != 0) GTEST_SKIP() << "needs root to govern"

namespace ffrtmp::test {

class WatchBox {
 public:
  WatchBox();
  ~WatchBox();  // stops the daemon, ends the targets, removes the groups that a crash on purpose left
  WatchBox(const WatchBox&) = delete;
  WatchBox& operator=(const WatchBox&) = delete;

  // ---- targets ----
  [[nodiscard]] const std::string& target() const { return target_; }  // its name
  // A copy of `program` under the target's name, or another one.
  std::string install(const std::string& program = "/bin/sleep", const std::string& name = "");
  pid_t start_target(const std::vector<std::string>& arguments = {"600"}, const std::string& argv0 = "");
  pid_t start(const std::vector<std::string>& argv, const std::string& argv0 = "", const std::string& cwd = "");
  void end(pid_t pid);
  [[nodiscard]] bool alive(pid_t pid) const;

  // ---- daemon ----
  // The policy: target and paths of this box, and `more` lines of YAML.
  void write_policy(const std::string& more = "");
  // It logs at debug, unless `flags` hold another level.
  Process& start_daemon(const Arguments& flags = {}, const Arguments& env = {});
  // Starts it on this policy, and waits until it governs `pid`.
  [[nodiscard]] bool govern(pid_t pid, const std::string& policy);
  Process& daemon() { return daemon_; }
  // Stops it; its exit code.
  int stop_daemon(int signal = 15);
  [[nodiscard]] Arguments command(const Arguments& flags) const;
  [[nodiscard]] std::string log() const;
  [[nodiscard]] std::size_t count_log(const std::string& text) const;
  bool wait_log(const std::string& text, std::size_t times = 1,
                std::chrono::milliseconds patience = std::chrono::seconds(30)) const;
  // GET over the socket: status and body.
  [[nodiscard]] std::pair<int, std::string> get(const std::string& path) const;
  [[nodiscard]] bool wait_ready() const;

  // ---- what the kernel says ----
  // Path of `pid` in the v1 hierarchy of `controller`, or in the unified one.
  [[nodiscard]] std::string group_of(pid_t pid, const std::string& controller = "cpu") const;
  [[nodiscard]] bool is_governed(pid_t pid, const std::string& controller = "cpu") const;
  bool wait_governed(pid_t pid, std::chrono::milliseconds patience = std::chrono::seconds(30)) const;
  // A control file of the group in which `pid` is: ("cpu", "cpu.max") is read as the host's version has it.
  [[nodiscard]] std::string knob(pid_t pid, const std::string& controller, const std::string& v2_file,
                                 const std::string& v1_file) const;
  [[nodiscard]] std::string knob_path(pid_t pid, const std::string& controller, const std::string& v2_file,
                                      const std::string& v1_file) const;
  // Another group of the controller's hierarchy, gone with the box.
  std::string make_group(const std::string& controller);
  [[nodiscard]] int nice_of(pid_t pid) const;
  // Directories of groups whose name holds this box's target.
  [[nodiscard]] std::vector<std::string> groups() const;

  [[nodiscard]] std::string path(const std::string& name) const { return dir_ / name; }
  [[nodiscard]] std::string state_path() const { return dir_ / "state/watch.json"; }

 private:
  TempDir dir_;
  std::string target_;
  std::map<pid_t, bool> targets_;
  Process daemon_;
};

// Of this build, or FFRTMP_BINARY: the tests may run on another machine than the build.
[[nodiscard]] std::string ffrtmp_binary();
[[nodiscard]] bool is_cgroup_v2();
[[nodiscard]] bool has_process_events();

}  // namespace ffrtmp::test
