#include "net/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>

#include "base/log.h"

namespace ffrtmp::net {
namespace {

constexpr int kBatch = 256;  // events a turn; more wait for the next one

// Work belongs to whoever posted it; its fault must not end the thread that all connections share.
void run_guarded(const Loop::Task& task) {
  try {
    task();
  } catch (const std::exception& e) {
    log::error("posted work threw", {{"error", e.what()}});
  }
}

}  // namespace

Result<std::unique_ptr<Loop>> Loop::create() {
  Socket epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.is_open()) return last_sys_error("epoll_create1");
  Socket wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.is_open()) return last_sys_error("eventfd");
  epoll_event event{};
  event.events = EPOLLIN;  // data stays null: the loop's own descriptor
  if (::epoll_ctl(epoll.fd(), EPOLL_CTL_ADD, wake.fd(), &event) != 0) return last_sys_error("epoll_ctl eventfd");
  return std::unique_ptr<Loop>(new Loop(std::move(epoll), std::move(wake)));
}

void Loop::wake() {
  const std::uint64_t one = 1;
  (void)!::write(wake_.fd(), &one, sizeof one);  // fails only when it already counts enough to wake
}

void Loop::post(Task task) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
  // The loop looks at the list before it sleeps, so its own posts need no wake, nor does a second one.
  if (tasks_.size() == 1 && !on_thread()) wake();
}

void Loop::post_after(std::chrono::milliseconds delay, Task task) {
  const auto due = std::chrono::steady_clock::now() + delay;
  const std::lock_guard lock(mutex_);
  const auto added = timers_.emplace(due, std::move(task));
  if (added == timers_.begin() && !on_thread()) wake();
}

void Loop::stop() {
  const std::lock_guard lock(mutex_);
  is_stopped_ = true;
  wake();
}

void Loop::clear() {
  std::vector<Task> tasks;
  std::multimap<TimePoint, Task> timers;
  const std::lock_guard lock(mutex_);
  tasks.swap(tasks_);
  timers.swap(timers_);
}

void Loop::run() {
  thread_ = std::this_thread::get_id();
  for (;;) {
    now_ = std::chrono::steady_clock::now();
    run_tasks();
    run_timers();
    {
      const std::lock_guard lock(mutex_);
      if (is_stopped_) break;
    }
    wait();
  }
  thread_ = std::thread::id();
}

void Loop::run_tasks() {
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (const auto& task : tasks) run_guarded(task);
}

void Loop::run_timers() {
  for (;;) {
    Task task;
    {
      const std::lock_guard lock(mutex_);
      if (timers_.empty() || timers_.begin()->first > now_) return;
      task = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
    }
    run_guarded(task);
  }
}

int Loop::wait_ms() {
  const std::lock_guard lock(mutex_);
  if (!tasks_.empty() || is_stopped_) return 0;
  if (timers_.empty()) return -1;
  const auto left = timers_.begin()->first - std::chrono::steady_clock::now();
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::max<std::int64_t>(ms, 0));
}

void Loop::wait() {
  std::array<epoll_event, kBatch> events;
  const int count = ::epoll_wait(epoll_.fd(), events.data(), kBatch, wait_ms());
  if (count > 0) now_ = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    if (event.data.ptr != nullptr) {
      static_cast<Watcher*>(event.data.ptr)->on_ready(event.events);
      continue;
    }
    std::uint64_t woken = 0;
    (void)!::read(wake_.fd(), &woken, sizeof woken);
  }
}

Status Loop::watch(int fd, std::uint32_t epoll_events, Watcher& watcher) {
  epoll_event event{};
  event.events = epoll_events;
  event.data.ptr = &watcher;
  if (::epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, fd, &event) != 0) return last_sys_error("epoll_ctl");
  return {};
}

void Loop::change(int fd, std::uint32_t epoll_events, Watcher& watcher) {
  epoll_event event{};
  event.events = epoll_events;
  event.data.ptr = &watcher;
  (void)::epoll_ctl(epoll_.fd(), EPOLL_CTL_MOD, fd, &event);  // fails only for a descriptor never watched
}

void Loop::forget(int fd) { (void)::epoll_ctl(epoll_.fd(), EPOLL_CTL_DEL, fd, nullptr); }

}  // namespace ffrtmp::net
