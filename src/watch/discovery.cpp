#include "watch/discovery.h"

#include <poll.h>

#include <algorithm>
#include <ctime>

#include "base/fault.h"
#include "base/log.h"
#include "base/text.h"
#include "sys/heap.h"
#include "sys/pid_fd.h"

namespace ffrtmp::watch {
namespace {

using Outcome = Examined::Outcome;

// A long scan looks for events this often: at 12 us a process they wait 0.8 ms at most.
constexpr int kVisitsPerLook = 64;
// From the gate's answer to the new program: microseconds, when the exec does not fail.
constexpr auto kExecTime = std::chrono::seconds(2);
constexpr int kBatchesPerTurn = 64;  // 4,096 events, then others get their turn
// Exits are read so often at least. The default buffer holds some ten thousand.
constexpr std::size_t kExecsPerExits = 1024;

std::chrono::nanoseconds monotonic_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

bool is_readable(int fd) {
  pollfd item{fd, POLLIN, 0};
  return poll(&item, 1, 0) > 0;
}

// As short as three decimals allow.
std::string shown_ms(double seconds) {
  std::string text = format_fixed(seconds * 1000, 3);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace

Discovery::Discovery(Context context, std::shared_ptr<const govern::Policy> policy)
    : context_(std::move(context)), policy_(std::move(policy)) {}

Status Discovery::open_events(const sys::ProcEvents::Options& options) {
  FFRTMP_ASSIGN(sys::ProcEvents execs, sys::ProcEvents::open(sys::ProcEvents::Kind::kExec, options));
  FFRTMP_ASSIGN(sys::ProcEvents exits, sys::ProcEvents::open(sys::ProcEvents::Kind::kExit, options));
  execs_ = std::move(execs);
  exits_ = std::move(exits);
  context_.governor.set_event_reader([this] {
    if (is_readable(execs_->fd())) read_execs();  // who starts does not wait for those that ended
    read_exits();
  });
  return context_.reactor.watch(execs_->fd(), [this] { read_execs(); });
}

void Discovery::use(std::shared_ptr<const govern::Policy> policy) {
  policy_ = std::move(policy);
  known_.clear();
}

bool Discovery::scan() {
  const auto begun = BootClock::now();
  log::write(reading_.scans == 0 ? log::Level::kInfo : log::Level::kDebug, "Scanning for processes...", {});
  context_.realtime.lower();
  std::vector<Examined> matches;
  const Status looked = look_at_all(matches);
  context_.realtime.raise();
  if (!looked) {
    log::error(cat("Scan failed: ", looked.error().message), {{"err", looked.error().message}});
    context_.metrics.scan(false, 0);
    context_.health.record_scan(false);
    return false;
  }
  admit(matches, Governor::Source::kScan, std::nullopt);
  matches = std::vector<Examined>();  // thousands, at a first scan
  if (exits_) read_exits();
  drop_vanished();
  ++reading_.scans;
  reading_.last_scan_at = context_.clock.now().utc;
  reading_.last_scan_seconds = std::chrono::duration<double>(BootClock::now() - begun).count();
  const std::size_t tracked = context_.governor.entries().size();
  context_.metrics.scan(true, reading_.last_scan_seconds);
  context_.metrics.found(static_cast<double>(tracked), static_cast<double>(context_.governor.count_scan()));
  context_.health.record_scan(true);
  log::write(found_since_scan_ > 0 ? log::Level::kInfo : log::Level::kDebug,
             cat("Scan complete: new=", found_since_scan_, " tracked=", tracked,
                 " duration=", shown_ms(reading_.last_scan_seconds), "ms"),
             {});
  if (found_since_scan_ > 0) sys::trim_heap();
  found_since_scan_ = 0;
  return true;
}

Status Discovery::look_at_all(std::vector<Examined>& matches) {
  FFRTMP_TRY(fault::check("scan", "processes"));
  int visited = 0;
  Examiner::Walk walk;
  return context_.scanner.walk([&](pid_t pid) -> Result<bool> {
    FFRTMP_TRY(visit(pid, walk, matches));
    if (++visited % kVisitsPerLook == 0 && execs_ && is_readable(execs_->fd())) {
      context_.realtime.raise();
      read_execs();
      context_.realtime.lower();
    }
    return !is_stopped_;
  });
}

Status Discovery::visit(pid_t pid, Examiner::Walk& walk, std::vector<Examined>& matches) {
  if (context_.governor.find(pid) != nullptr || known_.contains(pid)) {
    const auto line = context_.scanner.read(pid);
    if (!line && line.error().code == Errc::kGone) return {};
    if (!line) return line.error();
    if (!has_changed(*line)) return {};
  }
  FFRTMP_ASSIGN(Examined seen, context_.examiner.examine(pid, *policy_, context_.clock.now().boot, walk));
  if (seen.outcome == Outcome::kGone) return {};
  if (Entry* entry = context_.governor.find(pid)) {
    if (entry->key == seen.facts.key) {
      context_.governor.on_exec(*entry, seen);
      return {};
    }
    context_.governor.on_exit(pid, std::nullopt);
  }
  if (seen.outcome == Outcome::kMatch)
    matches.push_back(std::move(seen));
  else
    remember(seen);
  return {};
}

bool Discovery::has_changed(const sys::ProcLine& line) {
  const sys::ProcessKey key = line.key();
  const std::uint64_t stamp = line.exec_stamp();
  Entry* entry = context_.governor.find(key.pid);
  // Where there is a pidfd it tells the end, with its status; a first thread that ended before others is none.
  const bool has_ended = entry != nullptr && line.has_ended() && !entry->pidfd;
  if (entry != nullptr && (entry->key != key || has_ended)) {
    context_.governor.on_exit(key.pid, std::nullopt);
    entry = nullptr;
  }
  if (entry != nullptr) {
    entry->scan = reading_.scans + 1;
    return entry->exec_stamp != stamp;
  }
  const auto known = known_.find(key.pid);
  if (known == known_.end()) return true;
  const bool is_same = known->second.start_ticks == key.start_ticks && known->second.exec_stamp == stamp;
  // A kernel thread changes its name as it pleases.
  const bool is_nobody = line.is_kernel_thread() || line.has_ended();
  if (!is_nobody && !is_same) return true;
  known->second.scan = static_cast<std::uint32_t>(reading_.scans + 1);
  return !is_nobody && known->second.may_change;
}

void Discovery::remember(const Examined& seen) {
  if (seen.outcome == Outcome::kGone) return;
  const sys::ProcessKey key = seen.facts.key;
  const auto known = known_.find(key.pid);
  const bool is_new = known == known_.end() || known->second.start_ticks != key.start_ticks ||
                      known->second.exec_stamp != seen.facts.exec_stamp;
  if (is_new && (seen.outcome == Outcome::kSkip || seen.outcome == Outcome::kExempt))
    log::debug(cat("Leaving PID ", key.pid, " (", seen.command, ") alone: ", seen.test, ": ", seen.why),
               {{"pid", cat(key.pid)}});
  if (is_new && seen.outcome == Outcome::kWait) wait_for(seen);
  // Age is judged at discovery; what a process may change of itself is looked at again.
  const bool may_change =
      seen.outcome == Outcome::kExempt || (seen.outcome == Outcome::kSkip && seen.test != "runtime");
  known_[key.pid] = {key.start_ticks, seen.facts.exec_stamp, static_cast<std::uint32_t>(reading_.scans + 1),
                     may_change};
}

void Discovery::wait_for(const Examined& young) {
  log::debug(cat("PID ", young.facts.key.pid, " (", young.command, ") waits: ", young.why),
             {{"pid", cat(young.facts.key.pid)}});
  context_.reactor.at(young.due, [this, key = young.facts.key] { look_again(key); });
}

void Discovery::look_again(const sys::ProcessKey& key) {
  if (is_stopped_ || context_.governor.find(key.pid) != nullptr) return;
  Examined seen = context_.examiner.examine(key.pid, *policy_, context_.clock.now().boot);
  if (seen.outcome == Outcome::kGone || seen.facts.key != key) return;
  known_.erase(key.pid);
  if (seen.outcome != Outcome::kMatch) return remember(seen);
  std::vector<Examined> matches;
  matches.push_back(std::move(seen));
  admit(matches, Governor::Source::kScan, std::nullopt);
}

void Discovery::admit(std::vector<Examined>& matches, Governor::Source source,
                      std::optional<std::chrono::nanoseconds> exec_at) {
  std::erase_if(matches, [this](const Examined& match) {
    const Entry* entry = context_.governor.find(match.facts.key.pid);
    return entry != nullptr && entry->key == match.facts.key;
  });
  if (matches.empty() || is_stopped_) return;
  found_since_scan_ += matches.size();
  log::info(cat("Discovered ", matches.size(), " new process(es)"));
  for (Examined& match : matches) {
    const pid_t pid = match.facts.key.pid;
    known_.erase(pid);
    std::optional<std::chrono::nanoseconds> age;
    if (exec_at) age = monotonic_now() - *exec_at;
    context_.governor.admit(std::move(match), source, age);
    if (Entry* entry = context_.governor.find(pid)) entry->scan = reading_.scans + 1;
  }
}

void Discovery::drop_vanished() {
  const std::uint64_t now = reading_.scans + 1;
  std::erase_if(known_, [&](const auto& item) { return item.second.scan != static_cast<std::uint32_t>(now); });
  std::vector<pid_t> gone;
  for (const auto& [pid, entry] : context_.governor.entries())
    if (entry.scan != now && !entry.pidfd) gone.push_back(pid);
  for (const pid_t pid : gone) context_.governor.on_exit(pid, std::nullopt);
}

void Discovery::read_execs() {
  bool has_lost = false;
  for (int batches = 0; batches < kBatchesPerTurn; ++batches) {
    std::vector<sys::ProcEvent> batch;
    batch.swap(batch_);  // a scan inside may read too
    batch.clear();
    const auto drained = execs_->drain(batch);
    if (!drained) {
      log::error(cat("Process events failed: ", drained.error().message));
      break;
    }
    has_lost = has_lost || drained->has_overflowed;
    for (const sys::ProcEvent& event : batch) on_exec(event);
    execs_since_exits_ += batch.size();
    batch_.swap(batch);
    if (!drained->has_more) break;
  }
  if (execs_since_exits_ >= kExecsPerExits) read_exits();
  if (!has_lost || is_stopped_) return;
  ++reading_.resyncs;
  context_.metrics.resync();
  log::warn("Process events were lost, looking at all processes");
  context_.reactor.at(BootTime{}, [this] { scan(); });
}

void Discovery::read_exits() {
  execs_since_exits_ = 0;
  const auto boot_ahead = BootClock::now().time_since_epoch() - monotonic_now();
  std::vector<sys::ProcEvent> batch;
  for (bool has_more = true; has_more;) {
    batch.clear();
    const auto drained = exits_->drain(batch);
    if (!drained) {
      log::error(cat("Process events failed: ", drained.error().message));
      return;
    }
    // Their ends are told by pidfd and scan all the same.
    if (drained->has_overflowed) log::warn("Exit events were lost: some processes end with an unknown status");
    for (const sys::ProcEvent& event : batch) on_exit(event, BootTime(event.at + boot_ahead));
    has_more = drained->has_more;
  }
}

void Discovery::on_exec(const sys::ProcEvent& event) {
  ++reading_.exec_events;
  context_.metrics.exec_event();
  Entry* entry = context_.governor.find(event.pid);
  if (entry != nullptr && entry->pidfd && sys::wait_ended(entry->pidfd, std::chrono::milliseconds(0))) {
    // The number is another process's by now.
    read_exits();
    context_.governor.on_exit(event.pid, entry->wait_status);
    entry = nullptr;
  }
  std::optional<govern::Program> program;
  if (entry == nullptr && !(program = context_.examiner.find_target(event.pid, *policy_))) return;
  Examined seen = context_.examiner.examine(event.pid, *policy_, context_.clock.now().boot,
                                            std::move(program).value_or(govern::Program{}));
  if (seen.outcome == Outcome::kGone) return;
  if (entry != nullptr && entry->key == seen.facts.key) return context_.governor.on_exec(*entry, seen);
  if (entry != nullptr) context_.governor.on_exit(event.pid, std::nullopt);
  if (seen.outcome != Outcome::kMatch) return remember(seen);
  std::vector<Examined> matches;
  matches.push_back(std::move(seen));
  admit(matches, Governor::Source::kEvent, event.at);
}

void Discovery::on_gate(pid_t pid, const std::string& path, const std::string& named) {
  if (is_stopped_) return;
  const auto begun = monotonic_now();
  const Entry* entry = context_.governor.find(pid);
  Examined seen = context_.examiner.examine_exec(pid, path, named, *policy_, context_.clock.now().boot);
  const bool is_tracked = entry != nullptr && entry->key == seen.facts.key;
  if (seen.outcome != Outcome::kMatch || is_tracked) return;  // the exec event, or the scan, looks once more
  if (entry != nullptr) context_.governor.on_exit(pid, std::nullopt);
  const sys::ProcessKey key = seen.facts.key;
  const std::uint64_t stamp = seen.facts.exec_stamp;
  std::vector<Examined> matches;
  matches.push_back(std::move(seen));
  admit(matches, Governor::Source::kGate, begun);
  context_.reactor.after(kExecTime, [this, key, stamp] { context_.governor.release_unexecuted(key, stamp); });
}

// Read late: the number may have been a stranger's when he ended. The last thread's word is the process's.
void Discovery::on_exit(const sys::ProcEvent& event, BootTime at) {
  if (event.is_leader) {
    ++reading_.exit_events;
    context_.metrics.exit_event();
  }
  Entry* entry = context_.governor.find(event.pid);
  if (entry == nullptr || at < entry->started) return;
  if (entry->pidfd) {
    entry->wait_status = event.wait_status;
    return;
  }
  const auto line = context_.scanner.read(event.pid);
  if (line && line->key() == entry->key && !line->has_ended()) return;
  context_.governor.on_exit(event.pid, event.wait_status);
}

}  // namespace ffrtmp::watch
