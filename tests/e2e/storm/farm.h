#pragma once
// The processes of a storm: a master and two workers on state directories on a real disk, in a cgroup of their own
// where groups can be made, so that a census misses nobody.
#include <array>
#include <optional>
#include <string>

#include "sys/cgroup.h"
#include "tests/e2e/box.h"
#include "tests/e2e/storm/kill_point.h"

namespace ffrtmp::test {

inline constexpr int kWorkers = 2;
inline constexpr int kLeaseSeconds = 4;

class Farm {
 public:
  explicit Farm(std::string dir);
  ~Farm();  // kills whatever is left and removes the group
  Farm(const Farm&) = delete;
  Farm& operator=(const Farm&) = delete;

  void start_master();
  void start_worker(int index);
  // Waits until the worker is known to the master.
  void wait_for_worker(int index);
  // SIGTERM to all; each has to end by itself.
  void stop();

  // Arms and waits. True when the victim was killed; `said` is what happened, in words.
  [[nodiscard]] bool carry_out(const Kill& kill, int worker, std::string& said);
  [[nodiscard]] bool can_trace();
  // At no chosen moment: 0 the master, 1 a worker, 2 all supervisors. Gives the names.
  std::string kill_another(int which);
  // Brings back what has died; gives the names.
  std::string revive(std::chrono::milliseconds pause);

  // How both engines behave from their next start on, as fake_ffmpeg.h has it.
  void set_engines(const std::string& behaviour);
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] std::string path(const std::string& name) const { return dir_ + "/" + name; }
  [[nodiscard]] std::string attempts_dir(int index) const { return path(worker_name(index) + "/attempts"); }
  // Directory of the group that all of this runs in; empty where none can be made.
  [[nodiscard]] std::string group() const { return group_ ? group_->path() : ""; }

 private:
  static std::string worker_name(int index) { return "w" + std::to_string(index + 1); }
  [[nodiscard]] std::size_t registrations(int index) const;
  [[nodiscard]] Process start(const Arguments& argv, const std::string& log) const;

  std::string dir_;
  std::optional<sys::Cgroup> group_;
  Process master_;
  std::array<Process, kWorkers> workers_;
  std::array<std::size_t, kWorkers> registrations_{};  // when it was last started
  std::string url_;
  std::string key_;
  std::string program_;
  int port_ = 0;
};

}  // namespace ffrtmp::test
