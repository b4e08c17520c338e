// What a daemon finds of its predecessor, however that ended. The claims say what was governed and how it was before;
// each was written before the process was touched, so a kill between any two system calls leaves one to read.
#include <algorithm>
#include <set>

#include "base/log.h"
#include "base/text.h"
#include "sys/pid_fd.h"
#include "watch/governor.h"

namespace ffrtmp::watch {
namespace {

// A claim written before its groups were known: they are where the process stands, if it got there.
void find_groups(govern::Governed& governed, const sys::Membership& membership) {
  if (!governed.groups.empty()) return;
  for (const auto& [hierarchy, path] : membership)
    if (govern::Attacher::job_of_group(path) == governed.job_id) governed.groups.push_back({hierarchy, path, {}, ""});
}

// The same of a process that is gone: where its groups would have been made.
void guess_groups(govern::Governed& governed) {
  if (!governed.groups.empty() || governed.members.empty()) return;
  for (const auto& [hierarchy, path] : governed.members.front().cgroup)
    for (const std::string& base : std::set<std::string>{path == "/" ? "" : path, ""})
      governed.groups.push_back({hierarchy, cat(base, "/ffrtmp/", governed.job_id), {}, ""});
}

}  // namespace

std::size_t Governor::adopt(const State& state) {
  const auto claims = govern::list_claims(context_.runtime_dir);
  if (!claims) return 0;
  for (const govern::FoundClaim& found : *claims)
    if (!found.live) adopt_claim(found, state);
  std::size_t stale = 0;
  for (const auto& [name, process] : state.processes) {
    const Entry* entry = find(static_cast<pid_t>(process.pid));
    if (entry == nullptr || static_cast<std::int64_t>(entry->key.start_ticks) != process.start_ticks) ++stale;
  }
  for (const auto& letter : state.dead_letters) dead_letters_.push_front(letter);
  set_gauges();
  return stale;
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
    guess_groups(governed);
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

bool Governor::take_over(const govern::FoundClaim& found, const State& state) {
  const pid_t pid = found.claim.key().pid;
  const Now now = context_.clock.now();
  auto facts = context_.examiner.reader().read_names(pid);
  if (!facts || facts->key != found.claim.key() || !context_.examiner.reader().read_rest(*facts)) return false;
  Entry entry;
  entry.key = facts->key;
  entry.ppid = facts->ppid;
  entry.uid = facts->uid;
  entry.user = context_.examiner.filter_facts(*facts, now.boot).user;
  entry.exec_stamp = facts->exec_stamp;
  entry.command = govern::match_target(facts->names, *policy_).value_or(facts->names.exe.value_or(""));
  entry.cwd = facts->cwd.value_or("");
  entry.job_id = found.claim.governed.job_id;
  entry.started = facts->started;
  entry.discovered = now.boot;
  entry.discovered_at = now.utc;
  entry.governed = found.claim.governed;
  find_groups(entry.governed, facts->cgroup);
  if (entry.governed.groups.empty() && entry.governed.limits.need_cgroup())
    return false;  // the kill came before the move
  const auto known = state.processes.find(cat(pid));
  if (known != state.processes.end() && known->second.start_ticks == static_cast<std::int64_t>(entry.key.start_ticks)) {
    entry.discovered_at = known->second.discovered_at;
    entry.attached_at = known->second.attached_at;
    entry.discovered -= std::max(now.utc - entry.discovered_at, std::chrono::microseconds(0));
  }
  if (!entry.attached_at) entry.attached_at = now.utc;
  if (auto pidfd = sys::open_pidfd(context_.host, entry.key)) entry.pidfd = std::move(*pidfd);
  auto claim = govern::HeldClaim::take(context_.runtime_dir, claim_of(entry));
  if (!claim) return true;  // somebody was faster: it is his
  entry.claim = std::move(*claim);
  entry.state = EntryState::kAttached;
  if (auto compared = context_.attacher.reassert(entry.governed)) {
    entry.governance = compared->governance;
    entry.uncovered_bytes = compared->uncovered_bytes;
    for (govern::LimitReport& report : compared->limits)
      if (report.status != govern::LimitStatus::kApplied) entry.shortfalls.push_back(std::move(report));
  }
  log::info(cat("Re-adopted PID ", pid, " (job: ", entry.job_id, ")"), {{"pid", cat(pid)}, {"job_id", entry.job_id}});
  context_.metrics.active(entry.command, 1);
  watch_end(entries_.insert_or_assign(pid, std::move(entry)).first->second);
  ask_again(pid);  // its policy may be another one by now
  changed();
  return true;
}

void Governor::restore_counters(const State& state) { statistics_ = state.statistics; }

}  // namespace ffrtmp::watch
