// Level-triggered governance: what is wanted is compared with what is there, at every interval and at every new policy.
#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "watch/governor.h"

namespace ffrtmp::watch {
namespace {

// Looks in a row that find something undone before we stop writing: the other writer means it.
constexpr int kFightsToContest = 3;

std::string_view name_of(govern::DriftKind kind) {
  switch (kind) {
    case govern::DriftKind::kMembership:
      return "membership";
    case govern::DriftKind::kLimit:
      return "limit";
    case govern::DriftKind::kNice:
      return "nice";
    case govern::DriftKind::kOomScoreAdj:
      return "oom_score_adj";
  }
  return "";
}

std::string shown(const govern::Drift& drift) {
  return cat(drift.what, ": found ", drift.observed, ", wanted ", drift.wanted);
}

}  // namespace

bool Governor::reconcile_some(std::chrono::milliseconds budget) {
  const auto until = std::chrono::steady_clock::now() + budget;
  if (round_.empty()) {
    for (const auto& [pid, entry] : ledger_.entries()) round_.push_back(pid);
    std::erase_if(leftovers_, [this](const Leftover& rest) { return remove_if_empty(rest.governed); });
  }
  while (!round_.empty() && std::chrono::steady_clock::now() < until) {
    Entry* entry = find(round_.back());
    round_.pop_back();
    if (entry != nullptr) reconcile(*entry);
  }
  return !round_.empty();
}

Result<govern::Reassertion> Governor::reassert(Entry& entry) {
  govern::Governed governed = entry.governed.read(entry.key);
  const std::vector<govern::Group> groups = governed.groups;
  auto now = context_.attacher.reassert(governed);
  const bool has_moved = governed.groups != groups;
  keep_governed(entry, std::move(governed));
  if (has_moved) write_claim(entry);
  if (!now) return now;
  entry.governance = now->governance;
  entry.uncovered_bytes = now->uncovered_bytes;
  keep_shortfalls(entry, now->limits);
  return now;
}

void Governor::keep_shortfalls(Entry& entry, const std::vector<govern::LimitReport>& reports) {
  entry.shortfalls.clear();
  for (const govern::LimitReport& report : reports)
    if (report.status != govern::LimitStatus::kApplied) entry.shortfalls.push_back(report);
}

void Governor::reconcile(Entry& entry) {
  const pid_t pid = entry.key.pid;
  const log::Fields fields{{"pid", cat(pid)}, {"job_id", entry.job_id()}};
  if (context_.dry_run || !is_attached(entry.state)) return;
  if (entry.state == EntryState::kContested) {
    const auto reports = context_.attacher.read_back(entry.governed.read(entry.key));
    if (!reports) return;
    entry.governance = govern::decide_governance(*reports);
    keep_shortfalls(entry, *reports);
    return;
  }
  if (entry.rest > 0) {
    --entry.rest;
    return;
  }
  const auto now = reassert(entry);
  if (!now) {
    if (!govern::is_gone(now.error()) && now.error().code != Errc::kGone)
      log::warn(cat("PID ", pid, " cannot be compared with its policy: ", now.error().message), fields);
    return;
  }
  if (now->drifts.empty()) {
    entry.fights = 0;
    return;
  }
  for (const govern::Drift& drift : now->drifts) {
    context_.metrics.reassertion(name_of(drift.kind));
    log::warn(cat(drift.err == 0 ? "Re-asserted " : "Cannot re-assert ", name_of(drift.kind), " of PID ", pid,
                  " (job: ", entry.job_id(), "): ", shown(drift)),
              fields);
  }
  // Each further look waits twice as long: who undoes it may be about to stop.
  entry.rest = (1 << entry.fights) - 1;
  if (++entry.fights >= kFightsToContest) contest(entry, now->drifts);
  changed();
}

void Governor::contest(Entry& entry, const std::vector<govern::Drift>& drifts) {
  ledger_.set_state(entry, EntryState::kContested);
  entry.reason = "contested";
  entry.evidence.clear();
  for (const govern::Drift& drift : drifts) entry.evidence += cat(entry.evidence.empty() ? "" : "; ", shown(drift));
  log::error(cat("PID ", entry.key.pid, " (job: ", entry.job_id(),
                 ") is contested, another writer undoes its governance: ", entry.evidence),
             {{"pid", cat(entry.key.pid)}, {"job_id", entry.job_id()}});
}

void Governor::on_exec(Entry& entry, const Examined& now) {
  entry.exec_stamp = now.facts.exec_stamp;
  const bool is_other = !now.command.empty() && now.command != entry.command;
  if (!is_other || context_.dry_run) return;
  log::info(cat("PID ", entry.key.pid, " (job: ", entry.job_id(), ") runs ", now.command, " now"),
            {{"pid", cat(entry.key.pid)}, {"job_id", entry.job_id()}});
  ledger_.set_command(entry, now.command);
  change_rule(entry, policy_->rule_for(entry.command));
}

void Governor::release_unexecuted(const sys::ProcessKey& key, std::uint64_t stamp_before) {
  Entry* entry = find(key.pid);
  if (entry == nullptr || entry->key != key || entry->exec_stamp != stamp_before) return;
  auto facts = context_.examiner.reader().read_names(key.pid);
  if (!facts || facts->key != key) return;  // its end is told by other means
  if (facts->exec_stamp != stamp_before) {
    entry->exec_stamp = facts->exec_stamp;
    return;
  }
  log::info(cat("PID ", key.pid, " did not execute ", entry->command, " after all"), {{"pid", cat(key.pid)}});
  let_go(*entry, true);
  ledger_.erase(key.pid);
  changed();
}

void Governor::change_rule(Entry& entry, const govern::Rule& rule) {
  if (entry.state != EntryState::kAttached && entry.state != EntryState::kObserve) return;
  if (rule.limits == entry.governed.limits() && policy_->late_memory == entry.governed.late_memory()) return;
  auto outcome =
      context_.attacher.change(entry.governed.read(entry.key), {rule.limits, policy_->placement, policy_->late_memory});
  if (!outcome) {
    if (!govern::is_gone(outcome.error()))
      log::error(cat("Limits of PID ", entry.key.pid, " cannot be changed: ", outcome.error().message),
                 {{"pid", cat(entry.key.pid)}, {"err", outcome.error().message}});
    return;
  }
  take_outcome(entry, std::move(*outcome));
  settle(entry);
  write_claim(entry);
  log::info(cat("Limits of PID ", entry.key.pid, " (job: ", entry.job_id(), ") were changed"),
            {{"pid", cat(entry.key.pid)}, {"job_id", entry.job_id()}});
  changed();
}

void Governor::use(std::shared_ptr<const govern::Policy> policy) {
  policy_ = std::move(policy);
  std::vector<pid_t> pids;
  for (const auto& [pid, entry] : ledger_.entries()) pids.push_back(pid);
  for (const pid_t pid : pids) ask_again(pid);
  changed();
}

// As discovery asks, but for the age, which counts at discovery only, and for what our own governing makes of it.
std::optional<std::string> Governor::decide_command(const govern::ProcessFacts& facts) {
  const auto command = govern::match_target(facts.names, *policy_);
  if (!command) return std::nullopt;
  govern::Filters filters = policy_->rule_for(*command).filters;
  filters.min_runtime = filters.max_runtime = std::chrono::nanoseconds(0);
  const auto seen = context_.examiner.filter_facts(facts, context_.clock.now().boot);
  const auto verdict = govern::decide(govern::check_filters(seen, filters));
  return verdict.kind == govern::Verdict::Kind::kMatch ? command : std::nullopt;
}

void Governor::ask_again(pid_t pid) {
  Entry& entry = *find(pid);
  auto facts = context_.examiner.reader().read_names(pid);
  if (!facts || facts->key != entry.key || facts->has_ended()) return;  // its end is told by other means
  if (!context_.examiner.reader().read_rest(*facts)) return;
  const auto command = decide_command(*facts);
  if (!command) {
    let_go(entry, true);
    ledger_.erase(pid);
  } else if (entry.state == EntryState::kDead || entry.state == EntryState::kRetrying) {
    entry.tries.clear();
    try_later(entry, std::chrono::nanoseconds(0));
  } else {
    if (entry.state == EntryState::kContested) ledger_.set_state(entry, EntryState::kAttached);
    entry.fights = entry.rest = 0;
    ledger_.set_command(entry, *command);
    change_rule(entry, policy_->rule_for(*command));
  }
}

}  // namespace ffrtmp::watch
