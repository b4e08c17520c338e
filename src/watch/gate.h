#pragma once
// The daemon's side of the gate: starts its process, answers it, and guards it. A gate that does not answer a ping
// within half a second is killed by a thread of its own (the kernel then lets everybody go) and started anew.
//
//   start -> runs -> marks are set: on -> ended, however      anew, after a pause that doubles with each short life
//         -> does not run in time, cannot be started          the same
//         -> refused: the kernel has no such events for us    left off until the next policy
//
// Nothing is marked before it runs and is guarded, so that a slow start holds nobody.
#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"
#include "sys/spawn.h"
#include "watch/reactor.h"

namespace ffrtmp::watch {

class Gate {
 public:
  struct Held {
    pid_t pid = 0;
    std::string path;   // of the program, as the kernel resolved it
    std::string named;  // as the policy names it
  };
  // Called on the reactor's thread. The execution goes on when `on_held` returns.
  struct Listener {
    std::function<void(const Held&)> on_held;
    std::function<void(pid_t)> on_late;
  };
  Gate(Reactor& reactor, std::string program, Listener listener);
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // Starts it; of a running one, changes what it marks and how long it holds. One that was refused is tried once more.
  void use(std::vector<std::string> paths, std::chrono::nanoseconds budget);
  void stop();

  struct Reading {
    bool is_on = false;
    std::string reason;  // why not
    std::size_t marked = 0;
    std::int64_t held = 0;
    std::int64_t late = 0;
    std::int64_t restarts = 0;  // ends that nobody asked for
    pid_t pid = 0;
  };
  [[nodiscard]] const Reading& reading() const { return reading_; }

 private:
  void try_spawn();
  void try_later();
  [[nodiscard]] Status spawn();
  [[nodiscard]] Status tell_changes(const std::vector<std::string>& paths_before);
  void end_unless_on(pid_t pid);
  void on_running();
  void on_message();
  void on_end();
  void end_process();

  Reactor& reactor_;
  const std::string program_;
  const Listener listener_;
  std::vector<std::string> paths_;
  std::chrono::nanoseconds budget_{0};
  std::optional<sys::Child> child_;
  sys::Fd socket_;
  sys::Fd pings_;  // the guard's, once it runs
  std::thread guard_;
  std::atomic<bool> is_guarding_{false};
  std::chrono::steady_clock::time_point begun_{};
  int short_lives_ = 0;          // in a row
  std::uint64_t try_timer_ = 0;  // number of the timer that counts
  bool was_refused_ = false;
  bool is_stopped_ = false;
  Reading reading_;
};

// The files that `names` mean on the PATH, those that are there.
[[nodiscard]] std::vector<std::string> find_programs(const std::vector<std::string>& names, const std::string& path);

}  // namespace ffrtmp::watch
