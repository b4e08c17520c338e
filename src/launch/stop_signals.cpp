#include "launch/stop_signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>

namespace ffrtmp::launch {

Result<StopSignals> StopSignals::take() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  sys::Fd fd(signalfd(-1, &set, SFD_CLOEXEC));
  if (!fd) return last_sys_error("signalfd");
  return StopSignals(std::move(fd));
}

StopSignals::Wake StopSignals::wait(const sys::Fd& pidfd, std::optional<std::chrono::milliseconds> wait) const {
  using Clock = std::chrono::steady_clock;
  const auto until = wait ? Clock::now() + *wait : Clock::time_point::max();
  for (;;) {
    pollfd items[] = {{pidfd.get(), POLLIN, 0}, {fd_.get(), POLLIN, 0}};
    const auto now = Clock::now();
    // At most an hour at a time, which poll's milliseconds hold.
    const auto left = std::min<Clock::duration>(until - std::min(now, until), std::chrono::hours(1));
    const int n = poll(items, 2, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
    if (n == 0 && Clock::now() >= until) return {};
    if (n <= 0) continue;
    if ((items[0].revents & POLLIN) != 0) return {Event::kEnded, 0};
    signalfd_siginfo info{};
    if (read(fd_.get(), &info, sizeof info) == sizeof info) return {Event::kSignal, static_cast<int>(info.ssi_signo)};
  }
}

}  // namespace ffrtmp::launch
