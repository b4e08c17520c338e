#include "watch/governor.h"

#include <poll.h>
#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "govern/job_id.h"
#include "sys/pid_fd.h"
#include "sys/priority.h"

namespace ffrtmp::watch {
namespace {

using govern::Governance;
using govern::LimitStatus;
using namespace std::chrono_literals;

constexpr std::size_t kMaxResults = 1000;
constexpr std::size_t kAttachTimes = 64;
// The exit event, which brings the exit status, comes behind the pidfd: by microseconds, when it comes. One more look
// soon, and a last one.
constexpr auto kSoon = 1ms;
constexpr auto kLast = 50ms;

double seconds_of(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

log::Level level_of(govern::ErrorClass error_class) {
  return govern::is_retryable(error_class) ? log::Level::kWarn : log::Level::kError;
}

bool has_started(const JobResult& result) {
  return result.platform_sla_reason != govern::SlaReason::kAttachFailed &&
         result.platform_sla_reason != govern::SlaReason::kStartFailed;
}

}  // namespace

Governor::Governor(Context context, std::shared_ptr<const govern::Policy> policy)
    : context_(std::move(context)), policy_(std::move(policy)), ledger_(context_.metrics) {}

Governor::~Governor() {
  for (auto& [pid, entry] : ledger_.entries())
    if (entry.claim) entry.claim->keep();
  for (Leftover& rest : leftovers_)
    if (rest.claim) rest.claim->keep();
  context_.attacher.stop_keeping_parents();  // of what was cleared up before a start failed
}

void Governor::admit(Examined&& found, Source source, std::optional<std::chrono::nanoseconds> exec_age) {
  Entry entry = make_entry(found.facts);
  entry.command = found.command;
  entry.user = found.user;
  entry.governed.set_job_id(govern::make_auto_job_id(found.command, found.facts.key.pid));
  if (!counted_.contains(entry.key)) ++statistics_.total_discovered;
  entry.pidfd = std::move(found.pidfd);
  changed();
  try_attach(ledger_.put(std::move(entry)), found.facts.membership(), source, exec_age);
}

Entry Governor::make_entry(const govern::ProcessFacts& facts) const {
  const Now now = context_.clock.now();
  Entry entry;
  entry.key = facts.key;
  entry.ppid = facts.ppid;
  entry.uid = facts.uid;
  entry.exec_stamp = facts.exec_stamp;
  entry.cwd = facts.cwd.value_or("");
  entry.started = facts.started;
  entry.discovered = now.boot;
  entry.discovered_at = now.utc;
  return entry;
}

void Governor::try_attach(Entry& entry, const sys::Membership& membership, Source source,
                          std::optional<std::chrono::nanoseconds> exec_age) {
  const auto begun = BootClock::now();
  const pid_t pid = entry.key.pid;
  const govern::Limits& limits = policy_->rule_for(entry.command).limits;
  const Governance best = context_.mode.best;
  // What cannot take any of these limits here is observed, in one line and not two.
  const bool can_limit = best == Governance::kFull || best == Governance::kPartial || !limits.any() ||
                         (best == Governance::kNiceOnly && (limits.nice || limits.oom_score_adj));
  if (context_.dry_run) {
    if (log::enabled(log::Level::kInfo))
      log::info(cat("would attach to PID ", pid, " (", entry.command, ") as job ", entry.job_id()),
                {{"pid", cat(pid)}, {"job_id", entry.job_id()}});
    ledger_.set_state(entry, EntryState::kObserve);
    entry.reason = "dry_run";
    return;
  }
  if (can_limit)
    log::info(cat("Attaching to PID ", pid, " (", entry.command, ") as job ", entry.job_id()),
              {{"pid", cat(pid)}, {"job_id", entry.job_id()}});
  const auto failure = carry_out(entry, membership);
  if (failure && govern::is_gone(failure->error)) {
    log::debug(cat("PID ", pid, " ended before it was attached"), {{"pid", cat(pid)}});
    context_.metrics.attach("gone");
    ledger_.erase(pid);
    changed();
    return;
  }
  if (failure && failure->error.code == Errc::kNodeBusy) {
    log::debug(cat("PID ", pid, " is another governor's: ", failure->error.message), {{"pid", cat(pid)}});
    ledger_.erase(pid);
    changed();
    return;
  }
  if (failure) return fail(entry, *failure);
  if (exec_age) *exec_age += BootClock::now() - begun;
  attach_times_.push_back(seconds_of(BootClock::now() - begun));
  if (attach_times_.size() > kAttachTimes) attach_times_.pop_front();
  accept(entry, source, exec_age);
}

// Descriptor first, so that an end during all this is seen; then the claim, so that no other governor does the same;
// then the limits; then the claim again, with what it takes to undo them.
std::optional<Governor::Failure> Governor::carry_out(Entry& entry, const sys::Membership& membership) {
  if (!entry.pidfd) {
    auto pidfd = sys::open_pidfd(context_.host, entry.key);
    if (pidfd) {
      entry.pidfd = std::move(*pidfd);
    } else if (govern::is_gone(pidfd.error())) {
      return Failure{"pidfd", pidfd.error()};
    }
  }
  const govern::Rule& rule = policy_->rule_for(entry.command);
  govern::Governed governed;
  governed.job_id = entry.job_id();
  governed.limits = rule.limits;
  governed.late_memory = policy_->late_memory;
  govern::Original before;
  before.pid = entry.key.pid;
  before.start_ticks = static_cast<std::int64_t>(entry.key.start_ticks);
  before.cgroup = membership;
  if (rule.limits.nice)
    if (const auto nice = sys::read_nice(entry.key.pid)) before.nice[cat(entry.key.pid)] = *nice;
  if (rule.limits.oom_score_adj)
    if (const auto score = sys::read_oom_score_adj(context_.host, entry.key.pid)) before.oom_score_adj = *score;
  governed.members = {before};
  keep_governed(entry, std::move(governed));
  auto claim = govern::HeldClaim::take(context_.runtime_dir, claim_of(entry));
  if (!claim) return Failure{"claim", claim.error()};
  entry.claim = std::move(*claim);

  govern::AttachRequest request;
  request.process = entry.key;
  request.job_id = entry.job_id();
  request.limits = rule.limits;
  request.placement = policy_->placement;
  request.late_memory = policy_->late_memory;
  request.children = policy_->children;
  request.strict = policy_->strict;
  auto outcome =
      entry.pidfd ? context_.attacher.attach(request, {entry.pidfd, membership}) : context_.attacher.attach(request);
  if (!outcome) {
    entry.claim.reset();
    return Failure{"attach", outcome.error()};
  }
  take_outcome(entry, std::move(*outcome));
  write_claim(entry);
  return std::nullopt;
}

void Governor::keep_governed(Entry& entry, govern::Governed governed) {
  entry.governed.keep(std::move(governed), entry.key, limits_);
}

void Governor::take_outcome(Entry& entry, govern::AttachOutcome outcome) {
  keep_governed(entry, std::move(outcome.governed));
  entry.governance = outcome.governance;
  entry.reason = std::move(outcome.reason);
  entry.evidence = std::move(outcome.evidence);
  entry.uncovered_bytes = outcome.uncovered_bytes;
  for (const govern::LimitReport& report : outcome.limits)
    context_.metrics.limit(govern::name_of(report.limit), govern::name_of(report.status));
  keep_shortfalls(entry, outcome.limits);
}

void Governor::settle(Entry& entry) {
  const bool observes = entry.governance == Governance::kObserve;
  if (!observes && !is_attached(entry.state)) {
    entry.attached_at = context_.clock.now().utc;
    const auto counted = counted_.extract(entry.key);
    if (counted.empty() || !counted.mapped()) ++statistics_.total_attachments;
    ++new_attachments_;
  }
  ledger_.set_state(entry, observes ? EntryState::kObserve : EntryState::kAttached);
}

void Governor::accept(Entry& entry, Source source, std::optional<std::chrono::nanoseconds> exec_age) {
  const pid_t pid = entry.key.pid;
  const Now now = context_.clock.now();
  entry.next_try_at.reset();
  settle(entry);
  const log::Fields fields{{"pid", cat(pid)}, {"job_id", entry.job_id()}};
  if (entry.state == EntryState::kObserve) {
    log::info(cat("Observing PID ", pid, " (", entry.command, ") as job ", entry.job_id(), ": ",
                  entry.reason.empty() ? "no limit could be applied" : entry.reason,
                  entry.evidence.empty() ? "" : cat(" (", entry.evidence, ")")),
              fields);
  } else {
    log::info(cat("✓ Attached to PID ", pid, " (job: ", entry.job_id(), ")"), fields);
    for (const govern::LimitReport& report : entry.shortfalls)
      log::warn(cat("PID ", pid, ": ", govern::name_of(report.limit), " is ", govern::name_of(report.status),
                    report.detail.empty() ? "" : cat(": ", report.detail)),
                fields);
    if (entry.uncovered_bytes > 0)
      log::warn(cat("PID ", pid, ": ", entry.uncovered_bytes,
                    " bytes that it held before are not covered by its memory limit"),
                fields);
    context_.health.record_attach(true);
    const auto age = exec_age.value_or(now.boot - entry.started);
    context_.metrics.latency(source == Source::kEvent  ? "event"
                             : source == Source::kGate ? "gate"
                                                       : "scan",
                             seconds_of(age));
  }
  context_.metrics.attach(govern::name_of(entry.governance));
  context_.metrics.job_started("watch");
  watch_end(entry);
  changed();
}

void Governor::fail(Entry& entry, const Failure& failure) {
  ++failures_;
  const Now now = context_.clock.now();
  const auto error_class = govern::classify(failure.error);
  const bool was_retry = !entry.tries.empty();
  const double jitter = std::uniform_real_distribution<double>(0.9, 1.1)(random_);
  const int failed = static_cast<int>(entry.tries.size()) + 1;
  const auto decision = govern::decide_retry(policy_->retry, failed, error_class, jitter);
  entry.tries.push_back({now.utc, failure.op, failure.error.sys, error_class,
                         decision.delay ? seconds_of(*decision.delay) : 0, failure.error.message});
  log::write(level_of(error_class),
             cat("Attachment to PID ", entry.key.pid, " failed (", govern::name_of(error_class), ")",
                 decision.delay ? ", added to retry queue" : "", ": ", failure.error.message),
             {{"pid", cat(entry.key.pid)},
              {"job_id", entry.job_id()},
              {"class", std::string(govern::name_of(error_class))},
              {"err", failure.error.message}});
  context_.metrics.attach("failed");
  context_.metrics.attach_error(govern::name_of(error_class));
  context_.health.record_attach(false);
  watch_end(entry);
  if (!decision.delay) {
    if (was_retry) context_.metrics.retry("dead_letter");
    return bury(entry, decision.reason);
  }
  if (was_retry) context_.metrics.retry("failure");
  try_later(entry, *decision.delay);
}

void Governor::try_later(Entry& entry, std::chrono::nanoseconds delay) {
  const Now now = context_.clock.now();
  ledger_.set_state(entry, EntryState::kRetrying);
  entry.next_try_at = now.utc + std::chrono::duration_cast<std::chrono::microseconds>(delay);
  context_.reactor.at(now.boot + delay, [this, key = entry.key, timer = ++entry.try_timer] { try_again(key, timer); });
  changed();
}

void Governor::bury(Entry& entry, std::string reason) {
  ledger_.set_state(entry, EntryState::kDead);
  entry.next_try_at.reset();
  govern::DeadLetter letter;
  letter.pid = entry.key.pid;
  letter.start_ticks = static_cast<std::int64_t>(entry.key.start_ticks);
  letter.job_id = entry.job_id();
  letter.command = entry.command;
  letter.time = context_.clock.now().utc;
  letter.reason = std::move(reason);
  letter.tries = entry.tries;
  keep_letter(std::move(letter));
  govern::JobEnd end;
  end.attached = false;
  record(judge(entry, end));
  changed();
}

void Governor::keep_letter(govern::DeadLetter letter) {
  std::erase_if(dead_letters_, [&](const govern::DeadLetter& other) {
    return other.pid == letter.pid && other.start_ticks == letter.start_ticks;
  });
  dead_letters_.push_back(std::move(letter));
  if (dead_letters_.size() > govern::kMaxDeadLetters) dead_letters_.pop_front();
  context_.metrics.dead_letters(static_cast<double>(dead_letters_.size()));
}

// Identity, claims and filters are asked again: a process may have changed its mind meanwhile, or its program.
void Governor::try_again(const sys::ProcessKey& key, std::uint64_t timer) {
  Entry* entry = find(key.pid);
  const bool is_due = entry != nullptr && entry->key == key && entry->try_timer == timer;
  if (!is_due || entry->state != EntryState::kRetrying) return;
  const Examined now = context_.examiner.examine(key.pid, *policy_, context_.clock.now().boot);
  const bool is_same = now.outcome != Examined::Outcome::kGone && now.facts.key == key;
  const bool is_old = now.outcome == Examined::Outcome::kSkip && now.test == "runtime";  // age counts at discovery only
  if (!is_same) return on_exit(key.pid, std::nullopt);
  if (now.outcome != Examined::Outcome::kMatch && !is_old) {
    ledger_.erase(key.pid);
    return changed();
  }
  const auto tries_before = entry->tries.size();
  try_attach(*entry, now.facts.membership(), Source::kScan, std::nullopt);
  entry = find(key.pid);
  if (entry != nullptr && entry->tries.size() == tries_before) {
    context_.metrics.retry("success");
    entry->tries.clear();
  }
}

void Governor::watch_end(Entry& entry) {
  if (!entry.pidfd || context_.dry_run) return;
  context_.reactor.forget(entry.pidfd.get());
  // No more than a std::function holds without a heap block: its descriptor is forgotten with it, so the pid will do.
  (void)context_.reactor.watch(entry.pidfd.get(), [this, pid = entry.key.pid] { on_pidfd(pid); });
}

void Governor::on_pidfd(pid_t pid) {
  Entry* entry = find(pid);
  if (entry == nullptr || !entry->pidfd) return;
  if (!sys::wait_ended(entry->pidfd, 0ms)) return;  // another descriptor had this number before
  if (!read_events_) return on_exit(pid, std::nullopt);
  const sys::ProcessKey key = entry->key;
  read_events_();
  entry = find(pid);
  if (entry == nullptr || entry->key != key) return;
  if (entry->wait_status) return on_exit(pid, entry->wait_status);
  if (entry->pidfd) context_.reactor.forget(entry->pidfd.get());
  await_status(key, kSoon);
}

void Governor::await_status(const sys::ProcessKey& key, std::chrono::milliseconds wait) {
  context_.reactor.after(wait, [this, key, wait] {
    read_events_();
    const Entry* late = find(key.pid);
    if (late == nullptr || late->key != key) return;
    if (late->wait_status || wait == kLast) return on_exit(key.pid, late->wait_status);
    await_status(key, kLast);
  });
}

void Governor::on_exit(pid_t pid, std::optional<int> wait_status) {
  Entry* found = find(pid);
  if (found == nullptr) return;
  Entry& entry = *found;
  if (wait_status) entry.wait_status = wait_status;
  if (entry.pidfd) context_.reactor.forget(entry.pidfd.get());
  const std::string& job_id = entry.job_id();
  const double duration = seconds_of(context_.clock.now().boot - entry.discovered);
  const log::Fields fields{{"pid", cat(pid)}, {"job_id", job_id}};
  log::info(cat("Process ", pid, " exited (job ", job_id, ", duration: ", format_fixed(duration, 2), "s)"), fields);
  if (is_governed(entry.state) && !context_.dry_run) {
    govern::JobEnd end;
    if (is_attached(entry.state))
      if (const auto kills = context_.attacher.oom_kills(entry.governed.read(entry.key))) end.oom_kills = *kills;
    JobResult result = judge(entry, end);
    clear_groups(entry);
    log::info(cat("⊗ Detached from PID ", pid, " (job: ", job_id, ")"), fields);
    record(std::move(result));
  }
  ledger_.erase(pid);
  changed();
}

// Others of the process's tree may still be in its groups; those are looked after until the last has gone.
void Governor::clear_groups(Entry& entry) {
  if (!entry.governed.groups().empty()) {
    govern::Governed governed = entry.governed.read(entry.key);
    if (!remove_if_empty(governed)) {
      leftovers_.push_back({std::move(governed), std::move(entry.claim)});
      return;
    }
  }
  if (entry.claim) entry.claim->release();
}

bool Governor::remove_if_empty(const govern::Governed& governed) {
  // The kernel itself refuses to remove a group that somebody is in. Only who is known besides may be elsewhere, and
  // what was switched on for the job goes off before its group.
  const bool is_asked =
      governed.members.size() > 1 || std::any_of(governed.groups.begin(), governed.groups.end(),
                                                 [](const govern::Group& group) { return !group.enabled.empty(); });
  if (is_asked) {
    const auto members = context_.attacher.members(governed);
    if (!members || !members->empty()) return false;
  }
  return context_.attacher.remove_groups(governed).has_value();
}

JobResult Governor::judge(const Entry& entry, govern::JobEnd end) const {
  const Now now = context_.clock.now();
  if (entry.wait_status && WIFEXITED(*entry.wait_status)) end.exit_code = WEXITSTATUS(*entry.wait_status);
  if (entry.wait_status && WIFSIGNALED(*entry.wait_status)) end.signal = WTERMSIG(*entry.wait_status);
  // The exit event tells its exit code, although it is no child of ours.
  end.is_ours = end.exit_code || end.signal;
  end.governance = entry.state == EntryState::kObserve ? Governance::kFull : entry.governance;  // nothing was promised
  JobResult result;
  result.job_id = entry.job_id();
  result.pid = entry.key.pid;
  result.mode = "watch";
  result.start_time = entry.attached_at.value_or(entry.discovered_at);
  result.end_time = now.utc;
  result.processing_seconds = seconds_of(now.boot - entry.discovered);
  result.exit_code.text = end.exit_code ? cat(*end.exit_code) : "null";
  result.signal.text = end.signal ? cat(*end.signal) : "null";
  result.governance = entry.governance;
  result.reason = entry.reason;
  if (!entry.governed.groups().empty()) result.cgroup = entry.governed.groups().front().path;
  result.limits = entry.shortfalls;
  result.uncovered_bytes = entry.uncovered_bytes;
  result.platform_sla_reason = govern::decide_sla(end);
  result.platform_sla_compliant = govern::is_compliant(result.platform_sla_reason);
  result.sla_eligible = true;
  return result;
}

void Governor::take_result(JobResult result) {
  if (has_started(result)) context_.metrics.job_started(result.mode);
  record(std::move(result));
}

void Governor::record(JobResult result) {
  log::info(govern::format_job_line(result), {{"pid", cat(result.pid)}, {"job_id", result.job_id}});
  const bool has_code = result.exit_code.text != "null";
  const bool has_signal = result.signal.text != "null";
  const std::string_view exit = has_code && result.exit_code.text == "0" ? "0"
                                : has_code || has_signal                 ? "non_zero"
                                                                         : "unknown";
  const bool has_run = has_started(result);
  if (result.sla_eligible) context_.metrics.sla(result.platform_sla_compliant);
  context_.metrics.job_ended(!has_run || exit == "non_zero");
  context_.metrics.job_exit(exit);
  results_.push_back(std::move(result));
  if (results_.size() > kMaxResults) results_.pop_front();
}

govern::Claim Governor::claim_of(const Entry& entry) const {
  govern::Claim claim;
  claim.pid = entry.key.pid;
  claim.start_ticks = static_cast<std::int64_t>(entry.key.start_ticks);
  claim.boot_id = context_.boot_id;
  claim.owner = "watch";
  claim.owner_pid = context_.self;
  claim.governed = entry.governed.read(entry.key);
  return claim;
}

void Governor::write_claim(Entry& entry) {
  if (!entry.claim) return;
  const Status status = entry.claim->update(claim_of(entry));
  if (!status)
    log::error(cat("Claim of PID ", entry.key.pid, " cannot be written: ", status.error().message),
               {{"pid", cat(entry.key.pid)}, {"err", status.error().message}});
}

void Governor::let_go(Entry& entry, bool restore) {
  const pid_t pid = entry.key.pid;
  if (entry.pidfd) context_.reactor.forget(entry.pidfd.get());
  if (!is_governed(entry.state) || context_.dry_run) return;
  if (!restore) {
    if (entry.claim) entry.claim->keep();
    return;
  }
  log::info(cat("Detaching from PID ", pid), {{"pid", cat(pid)}, {"job_id", entry.job_id()}});
  const govern::RestoreReport report = context_.attacher.restore(entry.governed.read(entry.key));
  for (const std::string& failure : report.failures)
    log::error(cat("PID ", pid, " is not restored: ", failure), {{"pid", cat(pid)}, {"err", failure}});
  if (entry.claim) entry.claim->release();
  log::info(cat("⊗ Detached from PID ", pid, " (job: ", entry.job_id(), ")"),
            {{"pid", cat(pid)}, {"job_id", entry.job_id()}});
  govern::JobEnd end;
  end.detached = true;
  record(judge(entry, end));
}

void Governor::release_all(govern::OnStop how, const std::function<bool()>& may_go_on) {
  const bool wants_restore = how == govern::OnStop::kRestore;
  context_.attacher.stop_keeping_parents();  // the next signal may be a kill
  std::vector<pid_t> restored;
  for (auto& [pid, entry] : ledger_.entries()) {
    const bool is_restored = wants_restore && may_go_on();
    let_go(entry, is_restored);
    if (is_restored) restored.push_back(pid);
  }
  for (const pid_t pid : restored) ledger_.erase(pid);
  while (!leftovers_.empty() && wants_restore && may_go_on()) {
    const govern::Governed& rest = leftovers_.back().governed;
    for (const std::string& failure : context_.attacher.restore(rest).failures)
      log::error(cat("Job ", rest.job_id, ": ", failure));
    leftovers_.pop_back();
  }
  changed();
}

std::optional<double> Governor::attach_seconds() const {
  if (attach_times_.empty()) return std::nullopt;
  std::vector<double> sorted(attach_times_.begin(), attach_times_.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted[sorted.size() / 2];
}

void Governor::save_to(State& state) const {
  state.boot_id = context_.boot_id;
  state.statistics = statistics_;
  state.dead_letters.assign(dead_letters_.rbegin(), dead_letters_.rend());
  for (const auto& [pid, entry] : ledger_.entries()) {
    StateProcess& out = state.processes[cat(pid)];
    out.pid = pid;
    out.job_id = entry.job_id();
    out.command = entry.command;
    out.start_ticks = static_cast<std::int64_t>(entry.key.start_ticks);
    out.discovered_at = entry.discovered_at;
    out.attached_at = entry.attached_at;
    out.last_seen_at = std::max(entry.discovered_at, state.last_scan_at.value_or(UtcTime{}));
    out.governance = entry.governance;
    const govern::Governed governed = entry.governed.read(entry.key);
    if (!governed.groups.empty()) out.group = governed.groups.front().path;
    if (governed.members.empty()) continue;
    const govern::Original& before = governed.members.front();
    out.original_cgroup = before.cgroup;
    out.original_nice = before.nice;
    out.original_oom_score_adj = before.oom_score_adj;
  }
}

}  // namespace ffrtmp::watch
