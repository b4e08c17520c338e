#include "cli/interrupt.h"

#include <signal.h>
#include <time.h>

namespace ffrtmp::cli {
namespace {

volatile sig_atomic_t interrupted = 0;
struct sigaction former;

void on_interrupt(int) { interrupted = 1; }

}  // namespace

Interrupt::Interrupt() {
  interrupted = 0;
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, &former);
}

Interrupt::~Interrupt() { sigaction(SIGINT, &former, nullptr); }

bool Interrupt::came() const { return interrupted != 0; }

void Interrupt::sleep(std::chrono::milliseconds time) const {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  const timespec span{static_cast<time_t>(seconds.count()), static_cast<long>((time - seconds).count() * 1'000'000)};
  if (!came()) nanosleep(&span, nullptr);  // EINTR ends it early
}

}  // namespace ffrtmp::cli
