// What a daemon finds of its predecessor, however that ended. The claims say what was governed and how it was before;
// each was written before the process was touched, so a kill between any two system calls leaves one to read.
#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "sys/pid_fd.h"
#include "watch/governor.h"

namespace ffrtmp::watch {
namespace {

template <class Record>
sys::ProcessKey key_of(const Record& record) {
  return {static_cast<pid_t>(record.pid), static_cast<std::uint64_t>(record.start_ticks)};
}

}  // namespace

std::size_t Governor::adopt(const State& state) {
  auto claims = govern::list_claims(context_.runtime_dir);
  if (!claims) log::error(cat("Claims cannot be read: ", claims.error().message), {{"err", claims.error().message}});
  for (const govern::FoundClaim& found : std::move(claims).value_or({}))
    if (!found.live) adopt_claim(found, state);
  for (auto letter = state.dead_letters.rbegin(); letter != state.dead_letters.rend(); ++letter) {
    keep_letter(*letter);
    take_over_dead(*letter);
  }
  return static_cast<std::size_t>(
      std::count_if(state.processes.begin(), state.processes.end(), [this](const auto& item) {
        const auto stat = sys::read_stat(context_.host, key_of(item.second).pid);
        return !stat || stat->key() != key_of(item.second) || stat->state == 'Z';
      }));
}

void Governor::adopt_claim(const govern::FoundClaim& found, const State& state) {
  const bool is_of_this_boot = found.claim.boot_id == context_.boot_id;
  const auto stat = sys::read_stat(context_.host, found.claim.key().pid);
  const bool is_alive = is_of_this_boot && stat && stat->key() == found.claim.key() && stat->state != 'Z';
  if (is_alive && found.claim.owner == "watch") {
    if (take_over(found, state)) return;
  } else if (is_alive) {
    return;  // `run` and `attach` leave limits behind on purpose
  }
  govern::Governed governed = found.claim.governed;
  if (is_of_this_boot) {
    context_.attacher.find_groups(governed, nullptr);
    // Others of its tree may be left in the groups: they go back where it came from.
    const auto members = context_.attacher.members(governed);
    if (members && !members->empty()) {
      for (const std::string& failure : context_.attacher.restore(governed).failures)
        log::warn(cat("Left of job ", governed.job_id, ": ", failure));
    } else {
      (void)context_.attacher.remove_groups(governed);
    }
    log::info(cat("Cleared what was left of job ", governed.job_id), {{"job_id", governed.job_id}});
  }
  govern::drop_claim(found);
}

// Of a process that could be put into no group here: its limits without one are in force.
bool Governor::holds_priorities(const govern::Governed& governed) const {
  const auto reports = context_.attacher.read_back(governed);
  return reports && std::any_of(reports->begin(), reports->end(), [](const govern::LimitReport& report) {
           return report.status == govern::LimitStatus::kApplied;
         });
}

void Governor::take_over_dead(const govern::DeadLetter& letter) {
  const sys::ProcessKey key = key_of(letter);
  auto facts = context_.examiner.reader().read_names(key.pid);
  if (!facts || facts->key != key || facts->has_ended() || !context_.examiner.reader().read_rest(*facts)) return;
  if (find(key.pid) != nullptr) return;
  Entry entry = make_entry(*facts);
  entry.user = context_.examiner.filter_facts(*facts, entry.discovered).user;
  entry.command = letter.command;
  entry.governed.set_job_id(letter.job_id);
  entry.tries = letter.tries;
  entry.state = EntryState::kDead;
  if (auto pidfd = sys::open_pidfd(context_.host, key)) entry.pidfd = std::move(*pidfd);
  watch_end(ledger_.put(std::move(entry)));
}

bool Governor::take_over(const govern::FoundClaim& found, const State& state) {
  const pid_t pid = found.claim.key().pid;
  const Now now = context_.clock.now();
  auto facts = context_.examiner.reader().read_names(pid);
  if (!facts || facts->key != found.claim.key() || !context_.examiner.reader().read_rest(*facts)) return false;
  Entry entry = make_entry(*facts);
  entry.user = context_.examiner.filter_facts(*facts, now.boot).user;
  entry.command = govern::match_target(facts->names, *policy_).value_or(facts->names.exe.value_or(""));
  govern::Governed governed = found.claim.governed;
  const sys::Membership membership = facts->membership();
  context_.attacher.find_groups(governed, &membership);
  const bool has_no_group = governed.groups.empty() && governed.limits.need_cgroup();
  if (has_no_group && !holds_priorities(governed)) return false;  // the kill came before the move
  keep_governed(entry, std::move(governed));
  const auto known = state.processes.find(cat(pid));
  const bool is_known = known != state.processes.end() && key_of(known->second) == entry.key;
  const bool is_counted = is_known && known->second.attached_at;
  if (is_known) {
    entry.discovered_at = known->second.discovered_at;
    entry.attached_at = known->second.attached_at;
    entry.discovered -= std::max(now.utc - entry.discovered_at, std::chrono::microseconds(0));
  }
  if (!entry.attached_at) entry.attached_at = now.utc;
  if (auto pidfd = sys::open_pidfd(context_.host, entry.key)) entry.pidfd = std::move(*pidfd);
  auto claim = govern::HeldClaim::take(context_.runtime_dir, claim_of(entry));
  if (!claim) return true;  // somebody was faster: it is his
  entry.claim = std::move(*claim);
  // A kill before the flush took the counts with it.
  if (!is_known) ++statistics_.total_discovered;
  if (!is_counted) ++statistics_.total_attachments;
  entry.state = EntryState::kAttached;
  (void)reassert(entry);  // its end is told by other means
  log::info(cat("Re-adopted PID ", pid, " (job: ", entry.job_id(), ")"),
            {{"pid", cat(pid)}, {"job_id", entry.job_id()}});
  watch_end(ledger_.put(std::move(entry)));
  ask_again(pid);  // its policy may be another one by now
  changed();
  return true;
}

void Governor::restore_counters(const State& state) {
  statistics_ = state.statistics;
  for (const auto& [name, process] : state.processes) counted_[key_of(process)] = process.attached_at.has_value();
}

}  // namespace ffrtmp::watch
