#pragma once
// Answers to events before the work of others: SCHED_FIFO for a thread, as far as it is allowed.
// Source: sched(7). A thread that waits for the processor of the task it is told about waits half a millisecond
// without.
namespace ffrtmp::sys {

// Of the calling thread. Children do not inherit it.
class Realtime {
 public:
  // False when it is not allowed (CAP_SYS_NICE, RLIMIT_RTPRIO): raise() does nothing then.
  bool try_raise();
  void raise();
  // For long work, which must not hold others up.
  void lower();
  [[nodiscard]] bool is_allowed() const { return is_allowed_; }

 private:
  bool is_allowed_ = false;
};

}  // namespace ffrtmp::sys
