#pragma once
// The event loop of a server: readiness of descriptors, work posted from any thread, timers. epoll, level-triggered:
// an interest that does not change costs no system call a request, unlike Asio's re-armed waits.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.h"
#include "net/socket.h"

namespace ffrtmp::net {

// Told on the loop's thread when its descriptor is ready.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void on_ready(std::uint32_t epoll_events) = 0;
};

class Loop {
 public:
  using Task = std::function<void()>;
  using TimePoint = std::chrono::steady_clock::time_point;

  [[nodiscard]] static Result<std::unique_ptr<Loop>> create();

  // Any thread.
  [[nodiscard]] bool on_thread() const { return std::this_thread::get_id() == thread_.load(std::memory_order_relaxed); }
  void post(Task task);
  void post_after(std::chrono::milliseconds delay, Task task);
  void stop();

  // The rest: on the loop's thread, or before and after run().
  void run();
  // When the current turn began.
  [[nodiscard]] TimePoint now() const { return now_; }
  [[nodiscard]] Status watch(int fd, std::uint32_t epoll_events, Watcher& watcher);
  void change(int fd, std::uint32_t epoll_events, Watcher& watcher);
  // Events of the current turn may still arrive: the watcher has to live until a task posted now runs.
  void forget(int fd);
  // Drops all work that was not run.
  void clear();

 private:
  Loop(Socket epoll, Socket wake) : epoll_(std::move(epoll)), wake_(std::move(wake)) {}
  void run_tasks();
  void run_timers();
  void wait();
  [[nodiscard]] int wait_ms();
  void wake();

  Socket epoll_;
  Socket wake_;
  std::atomic<std::thread::id> thread_;
  TimePoint now_;

  std::mutex mutex_;  // guards what follows
  std::vector<Task> tasks_;
  std::multimap<TimePoint, Task> timers_;
  bool is_stopped_ = false;
};

}  // namespace ffrtmp::net
