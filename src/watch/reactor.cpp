#include "watch/reactor.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

namespace ffrtmp::watch {
namespace {

constexpr int kBatch = 64;

}  // namespace

Result<std::unique_ptr<Reactor>> Reactor::create() {
  sys::Fd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return last_sys_error("epoll_create1");
  sys::Fd timer(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer) return last_sys_error("timerfd_create");
  sys::Fd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return last_sys_error("eventfd");
  std::unique_ptr<Reactor> reactor(new Reactor(std::move(epoll), std::move(timer), std::move(wake)));
  FFRTMP_TRY(reactor->watch(reactor->timer_.get(), [at = reactor.get()] {
    std::uint64_t count = 0;
    (void)!read(at->timer_.get(), &count, sizeof count);
    at->armed_ = {};
  }));
  FFRTMP_TRY(reactor->watch(reactor->wake_.get(), [at = reactor.get()] {
    std::uint64_t count = 0;
    (void)!read(at->wake_.get(), &count, sizeof count);
  }));
  return reactor;
}

Status Reactor::watch(int fd, Task ready) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return last_sys_error("epoll_ctl");
  watched_[fd] = std::move(ready);
  return {};
}

void Reactor::forget(int fd) {
  (void)epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  watched_.erase(fd);
}

void Reactor::at(BootTime due, Task task) { timers_.emplace(due, std::move(task)); }

void Reactor::post(Task task) {
  const std::lock_guard lock(mutex_);
  posted_.push_back(std::move(task));
  const std::uint64_t one = 1;
  (void)!write(wake_.get(), &one, sizeof one);  // fails only when it already counts enough to wake
}

void Reactor::arm() {
  const BootTime due = timers_.empty() ? BootTime{} : timers_.begin()->first;
  if (due == armed_) return;
  // Zero would disarm: what is due already is due in a nanosecond.
  const std::int64_t nanos = timers_.empty() ? 0 : std::max<std::int64_t>(1, due.time_since_epoch().count());
  itimerspec spec{};
  spec.it_value.tv_sec = nanos / 1'000'000'000;
  spec.it_value.tv_nsec = nanos % 1'000'000'000;
  (void)timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
  armed_ = due;
}

void Reactor::run_timers() {
  const BootTime now = BootClock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const Task task = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    task();
  }
}

void Reactor::run_posted() {
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (const Task& task : tasks) task();
}

void Reactor::turn(std::chrono::milliseconds patience) {
  arm();
  std::array<epoll_event, kBatch> events;
  const int count = epoll_wait(epoll_.get(), events.data(), kBatch, static_cast<int>(patience.count()));
  for (int i = 0; i < count; ++i) {
    const auto at = watched_.find(events[static_cast<std::size_t>(i)].data.fd);
    if (at == watched_.end()) continue;
    const Task ready = at->second;  // it may forget itself
    ready();
  }
  run_posted();
  run_timers();
}

}  // namespace ffrtmp::watch
