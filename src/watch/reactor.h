#pragma once
// What the daemon waits for: descriptors, points in time (CLOCK_BOOTTIME, so that a suspended host wakes to what is
// due) and work that other threads hand in. One thread runs it; only post() may be called from others.
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "sys/fd.h"

namespace ffrtmp::watch {

class Reactor {
 public:
  using Task = std::function<void()>;

  [[nodiscard]] static Result<std::unique_ptr<Reactor>> create();

  // Calls `ready` whenever `fd` is readable. Later ones of the same turn are skipped once forgotten.
  [[nodiscard]] Status watch(int fd, Task ready);
  void forget(int fd);
  void at(BootTime due, Task task);
  void after(std::chrono::nanoseconds delay, Task task) { at(BootClock::now() + delay, std::move(task)); }
  // Any thread.
  void post(Task task);

  // One turn: waits until something is due or ready, at most `patience`, and does it.
  void turn(std::chrono::milliseconds patience);

 private:
  Reactor(sys::Fd epoll, sys::Fd timer, sys::Fd wake)
      : epoll_(std::move(epoll)), timer_(std::move(timer)), wake_(std::move(wake)) {}
  void arm();
  void run_timers();
  void run_posted();

  sys::Fd epoll_;
  sys::Fd timer_;
  sys::Fd wake_;
  std::unordered_map<int, Task> watched_;
  std::multimap<BootTime, Task> timers_;
  BootTime armed_{};  // what timer_ is set to; 0: nothing

  std::mutex mutex_;  // guards what follows
  std::vector<Task> posted_;
};

}  // namespace ffrtmp::watch
