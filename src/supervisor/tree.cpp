#include "supervisor/tree.h"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>

#include "sys/pid_fd.h"

namespace ffrtmp::supervisor {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr int kStopLookMs = 2;
// One by one, new processes may appear between listing and signalling: again until a pass finds none.
constexpr int kPasses = 5;

microseconds of_ticks(std::uint64_t ticks) {
  static const long per_second = sysconf(_SC_CLK_TCK);
  return microseconds(static_cast<std::int64_t>(ticks) * 1'000'000 / per_second);
}

bool stands_still(const sys::ProcStat& stat) { return stat.has_ended() || sys::is_stopped(stat.state); }

microseconds of_timeval(const timeval& time) { return microseconds(time.tv_sec * 1'000'000LL + time.tv_usec); }

}  // namespace

Tree::Tree(sys::Host host, pid_t self, std::optional<sys::Cgroup> group)
    : host_(std::move(host)), self_(self), is_init_(getpid() == 1), group_(std::move(group)) {}

Status Tree::freeze(milliseconds wait) {
  if (!group_) return stop(wait);
  Status frozen = group_->freeze(wait);
  if (frozen || frozen.error().code == Errc::kTimeout) return frozen;
  const Status stopped = stop(wait);
  return stopped ? stopped : frozen;
}

Status Tree::stop(milliseconds wait) {
  stopped_by_signal_ = true;
  const auto until = std::chrono::steady_clock::now() + wait;
  for (;;) {
    signal_all(SIGSTOP);  // each time: one that was not stopped yet may have had children
    const auto found = sys::read_descendants(host_, self_);
    if (found && std::ranges::all_of(*found, stands_still)) return {};
    if (std::chrono::steady_clock::now() >= until) return make_error(Errc::kTimeout, "SIGSTOP has not stopped all");
    if (found) wake_vforked(*found);
    poll(nullptr, 0, kStopLookMs);
  }
}

// Who waits in vfork(2) stops only once the child has called exec, which a stopped one never does: such a child goes on
// from look to look until it has. Source: vfork(2); proc(5), state D.
void Tree::wake_vforked(const std::vector<sys::ProcStat>& all) const {
  std::set<pid_t> waiting;
  for (const sys::ProcStat& stat : all)
    if (stat.state == 'D') waiting.insert(stat.pid);
  for (const sys::ProcStat& stat : all)
    if (sys::is_stopped(stat.state) && waiting.contains(stat.ppid)) signal_one(stat, SIGCONT);
}

// One that ended meanwhile, or sheds us as a setuid program, hears nothing.
void Tree::signal_one(const sys::ProcStat& stat, int signal) const {
  (void)sys::send_signal(host_, stat.key(), signal);
}

Status Tree::thaw() {
  Status thawed;
  if (group_) thawed = group_->thaw();
  if (std::exchange(stopped_by_signal_, false)) signal_all(SIGCONT);
  if (thawed) return {};
  // A group that is gone, or that never could be frozen, holds nobody.
  const auto frozen = group_->is_frozen();
  return frozen && *frozen ? thawed : Status{};
}

void Tree::terminate() const {
  signal_all(SIGTERM);
  signal_all(SIGCONT);
}

void Tree::kill() const {
  if (group_) (void)group_->kill();  // fails only when the group is gone; the rest below does not depend on it
  signal_all(SIGKILL);
}

void Tree::signal_all(int signal) const {
  // As init, -1 is everything in the namespace but this process, at once.
  if (is_init_)
    ::kill(-1, signal);
  else
    signal_descendants(signal);
}

void Tree::signal_descendants(int signal) const {
  std::set<sys::ProcessKey> done;
  for (int pass = 0; pass < kPasses; ++pass) {
    const auto found = sys::read_descendants(host_, self_);
    if (!found) return;
    bool any = false;
    for (const sys::ProcStat& stat : *found) {
      if (stat.state == 'Z' || !done.insert(stat.key()).second) continue;
      any = true;
      signal_one(stat, signal);
    }
    if (!any) return;
  }
}

Result<microseconds> Tree::cpu_usage() const {
  if (group_) {
    auto usage = group_->cpu_usage();
    if (usage) return usage;
  }
  rusage reaped{};
  getrusage(RUSAGE_CHILDREN, &reaped);
  microseconds sum = of_timeval(reaped.ru_utime) + of_timeval(reaped.ru_stime);
  FFRTMP_ASSIGN(const auto found, sys::read_descendants(host_, self_));
  for (const sys::ProcStat& stat : found) sum += of_ticks(stat.utime + stat.stime + stat.cutime + stat.cstime);
  return sum;
}

}  // namespace ffrtmp::supervisor
