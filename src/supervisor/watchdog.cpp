#include "supervisor/watchdog.h"

#include <algorithm>

namespace ffrtmp::supervisor {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// A hung engine still wakes its polling threads ten times a second, some 20 us each: 0.02 % of a core. An encode that
// works, starved by others, uses more than 1 %. Between them lies what counts as "no CPU time".
constexpr int kIdleShare = 500;  // 0.2 %

}  // namespace

Watchdog::Watchdog(const WatchLimits& limits, std::optional<BootTime> fence, BootTime started)
    : limits_(limits), fence_(fence), running_since_(started) {}

nanoseconds Watchdog::ran(BootTime now) const {
  return running_since_ ? ran_before_ + (now - *running_since_) : ran_before_;
}

void Watchdog::advanced(BootTime now) {
  advanced_at_ = ran(now);
  cpu_at_advance_ = cpu_;
}

void Watchdog::note_advance(const std::string& mark, BootTime now) {
  if (mark == mark_) return;
  mark_ = mark;
  advanced(now);
}

void Watchdog::note_cpu(microseconds cpu, BootTime now) {
  cpu_ = std::max(cpu_, cpu);
  const auto idle = std::chrono::duration_cast<microseconds>(ran(now) - advanced_at_) / kIdleShare;
  if (cpu_ - cpu_at_advance_ > idle + microseconds(1000)) advanced(now);
}

void Watchdog::note_frozen(bool frozen, BootTime now) {
  if (frozen == !running_since_.has_value()) return;
  ran_before_ = ran(now);
  running_since_ = frozen ? std::nullopt : std::optional(now);
}

void Watchdog::set_fence(BootTime fence, BootTime now) {
  fence_ = fence;
  if (fence > now) fenced_since_.reset();
}

milliseconds Watchdog::fenced_limit() const { return running_since_ ? limits_.stop : limits_.frozen; }

Watchdog::Verdict Watchdog::judge(BootTime now) {
  if (fenced_since_) {
    if (now - *fenced_since_ >= fenced_limit()) return Verdict::kFenced;
  } else if (fence_ && now >= *fence_) {
    fenced_since_ = now;
    return limits_.live_output ? Verdict::kFenced : Verdict::kFreeze;
  }
  if (!running_since_) return Verdict::kFine;
  if (limits_.deadline.count() > 0 && ran(now) >= limits_.deadline) return Verdict::kPastDeadline;
  if (limits_.stall.count() > 0 && ran(now) - advanced_at_ >= limits_.stall) return Verdict::kStalled;
  return Verdict::kFine;
}

std::optional<BootTime> Watchdog::next_judgement(BootTime now) const {
  std::optional<BootTime> next;
  const auto at = [&](BootTime time) { next = next ? std::min(*next, time) : time; };
  if (fenced_since_)
    at(*fenced_since_ + fenced_limit());
  else if (fence_)
    at(*fence_);
  if (running_since_ && limits_.deadline.count() > 0) at(now + (limits_.deadline - ran(now)));
  if (running_since_ && limits_.stall.count() > 0) at(now + (advanced_at_ + limits_.stall - ran(now)));
  return next;
}

}  // namespace ffrtmp::supervisor
