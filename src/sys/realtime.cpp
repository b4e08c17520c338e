#include "sys/realtime.h"

#include <sched.h>

namespace ffrtmp::sys {
namespace {

bool set(int policy, int priority) {
  sched_param parameter{};
  parameter.sched_priority = priority;
  return sched_setscheduler(0, policy | SCHED_RESET_ON_FORK, &parameter) == 0;
}

}  // namespace

bool Realtime::try_raise() { return is_allowed_ = set(SCHED_FIFO, 1); }

void Realtime::raise() {
  if (is_allowed_) (void)set(SCHED_FIFO, 1);
}

void Realtime::lower() {
  if (is_allowed_) (void)set(SCHED_OTHER, 0);
}

}  // namespace ffrtmp::sys
