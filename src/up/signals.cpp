#include "up/signals.h"

#include <pthread.h>
#include <signal.h>

#include <ctime>

namespace ffrtmp::up {
namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void block_stop_signals() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);  // a peer that went away is an error of its write
}

bool wait_for_stop_signal(std::chrono::milliseconds patience) {
  const sigset_t set = stop_signals();
  timespec wait{};
  wait.tv_sec = patience.count() / 1000;
  wait.tv_nsec = patience.count() % 1000 * 1'000'000;
  return sigtimedwait(&set, nullptr, &wait) > 0;
}

}  // namespace ffrtmp::up
