#pragma once
// When an engine has to end or be frozen: stall, deadline and fence. Pure; time is handed in.
// Stall and deadline count running time only: the clock stands while the engine is frozen.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"

namespace ffrtmp::supervisor {

struct WatchLimits {
  std::chrono::milliseconds stall{0};     // 0: off
  std::chrono::milliseconds deadline{0};  // 0: none
  std::chrono::milliseconds stop{0};      // at the fence it stands still within so long, or it is the end
  std::chrono::milliseconds frozen{0};    // by the fence for so long: the end
  bool live_output = false;               // ended at the fence instead of frozen
};

class Watchdog {
 public:
  enum class Verdict { kFine, kStalled, kPastDeadline, kFreeze, kFenced };

  Watchdog(const WatchLimits& limits, std::optional<BootTime> fence, BootTime started);

  // Facts. `mark` is progress.h's advance_mark, `cpu` the CPU time of the whole tree so far.
  void note_advance(const std::string& mark, BootTime now);
  void note_cpu(std::chrono::microseconds cpu, BootTime now);
  void note_frozen(bool frozen, BootTime now);
  // Lifts the fence when it is ahead.
  void set_fence(BootTime fence, BootTime now);

  // What to do now; the caller obeys kFreeze, told once, and reports by note_frozen what came of it.
  [[nodiscard]] Verdict judge(BootTime now);
  [[nodiscard]] bool is_fenced() const { return fenced_since_.has_value(); }
  // When judge has to be asked next; nothing when only new facts can change its mind. The caller samples CPU time
  // right before judging, so that a silent encoder at work is not taken for a stalled one.
  [[nodiscard]] std::optional<BootTime> next_judgement(BootTime now) const;

 private:
  [[nodiscard]] std::chrono::nanoseconds ran(BootTime now) const;
  void advanced(BootTime now);
  [[nodiscard]] std::chrono::milliseconds fenced_limit() const;

  WatchLimits limits_;
  std::optional<BootTime> fence_;
  std::optional<BootTime> fenced_since_;

  std::chrono::nanoseconds ran_before_{0};  // up to the last freeze
  std::optional<BootTime> running_since_;   // nothing while frozen

  std::string mark_;
  std::chrono::microseconds cpu_{0};  // latest sample
  std::chrono::microseconds cpu_at_advance_{0};
  std::chrono::nanoseconds advanced_at_{0};  // in running time
};

}  // namespace ffrtmp::supervisor
