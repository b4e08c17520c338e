#pragma once
// Everything that is done to tracked processes: attach, try again, compare, let go. Decisions come from govern/,
// effects go through govern::Attacher; what happened is logged, counted and remembered here. One thread.
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "govern/attacher.h"
#include "govern/policy.h"
#include "watch/entry.h"
#include "watch/examiner.h"
#include "watch/health_monitor.h"
#include "watch/ledger.h"
#include "watch/metrics.h"
#include "watch/reactor.h"
#include "watch/state_file.h"

namespace ffrtmp::watch {

class Governor {
 public:
  struct Context {
    const Clock& clock;
    const sys::Host& host;
    govern::Attacher& attacher;
    Examiner& examiner;
    Metrics& metrics;
    HealthMonitor& health;
    Reactor& reactor;
    std::string runtime_dir;
    std::string boot_id;
    pid_t self = 0;
    govern::Attacher::Mode mode;  // what can be governed here
    bool dry_run = false;         // says what it would do
  };
  Governor(Context context, std::shared_ptr<const govern::Policy> policy);
  // What is still governed keeps its limits and its claim, for the next daemon.
  ~Governor();
  Governor(const Governor&) = delete;
  Governor& operator=(const Governor&) = delete;

  enum class Source { kScan, kEvent, kGate };
  // Takes a match in and attaches it. `exec_age`: how long ago the event said that it was executed.
  void admit(Examined&& found, Source source, std::optional<std::chrono::nanoseconds> exec_age);
  [[nodiscard]] Entry* find(pid_t pid) { return ledger_.find(pid); }
  // A tracked process executed another program: another target's rule replaces this one's; else nothing is loosened.
  void on_exec(Entry& entry, const Examined& now);
  // A process that was admitted before its exec, by the gate, and whose exec did not come about: let go.
  void release_unexecuted(const sys::ProcessKey& key, std::uint64_t stamp_before);
  // It has ended. `wait_status` as far as an event told it.
  void on_exit(pid_t pid, std::optional<int> wait_status);

  // The policy was replaced: what it no longer means is let go, limits are rewritten, dead letters get another chance.
  void use(std::shared_ptr<const govern::Policy> policy);
  // Compares some of what is governed with what is wanted; false when a round has come to its end.
  [[nodiscard]] bool reconcile_some(std::chrono::milliseconds budget);

  // At the start: takes over what an earlier daemon left, and clears away what is left of dead processes. The number of
  // processes in `state` that are not there any more.
  std::size_t adopt(const State& state);
  // At the end. `may_go_on` is asked before each process; whoever keeps its limits stays an entry, for save_to().
  void release_all(govern::OnStop how, const std::function<bool()>& may_go_on);

  void save_to(State& state) const;
  [[nodiscard]] const std::unordered_map<pid_t, Entry>& entries() const { return ledger_.entries(); }
  [[nodiscard]] const std::deque<govern::DeadLetter>& dead_letters() const { return dead_letters_; }
  [[nodiscard]] const std::deque<JobResult>& results() const { return results_; }
  [[nodiscard]] const StateStatistics& statistics() const { return statistics_; }
  [[nodiscard]] const Ledger& ledger() const { return ledger_; }
  // Attaches that failed or were given up since the start.
  [[nodiscard]] std::size_t failure_count() const { return failures_; }
  // Median time of the last attaches: what moving a process costs on this host.
  [[nodiscard]] std::optional<double> attach_seconds() const;
  // Of `run` or `attach`, which ended: it tells of its start, too.
  void take_result(JobResult result);
  // Counts a scan; the attaches since the one before it.
  std::int64_t count_scan() {
    ++statistics_.total_scans;
    return std::exchange(new_attachments_, 0);
  }
  void restore_counters(const State& state);
  [[nodiscard]] const govern::Attacher::Mode& mode() const { return context_.mode; }
  // Counts changes of what the state file holds.
  [[nodiscard]] std::uint64_t version() const { return version_; }
  // `read` reads the events that wait, which leaves an entry's wait_status behind where it has ended.
  void set_event_reader(std::function<void()> read) { read_events_ = std::move(read); }

 private:
  struct Failure {
    std::string op;
    Error error;
  };
  // Groups whose process ended while others are still in them. The claim tells of them should we die first.
  struct Leftover {
    govern::Governed governed;
    std::optional<govern::HeldClaim> claim;
  };

  // `membership`: the groups in which it was seen just now.
  void try_attach(Entry& entry, const sys::Membership& membership, Source source,
                  std::optional<std::chrono::nanoseconds> exec_age);
  [[nodiscard]] std::optional<Failure> carry_out(Entry& entry, const sys::Membership& membership);
  void accept(Entry& entry, Source source, std::optional<std::chrono::nanoseconds> exec_age);
  void keep_governed(Entry& entry, govern::Governed governed);
  void take_outcome(Entry& entry, govern::AttachOutcome outcome);
  // Attached or only observed, as its governance has it.
  void settle(Entry& entry);
  void fail(Entry& entry, const Failure& failure);
  void bury(Entry& entry, std::string reason);
  // One letter an identity: the newest.
  void keep_letter(govern::DeadLetter letter);
  // One timer an identity: whatever was due before is not any more.
  void try_later(Entry& entry, std::chrono::nanoseconds delay);
  void try_again(const sys::ProcessKey& key, std::uint64_t timer);
  void watch_end(Entry& entry);
  void on_pidfd(pid_t pid);
  // Of a process that has ended: its status is looked for after `wait`, then once more, then it ends without.
  void await_status(const sys::ProcessKey& key, std::chrono::milliseconds wait);
  [[nodiscard]] govern::Claim claim_of(const Entry& entry) const;
  void write_claim(Entry& entry);
  [[nodiscard]] JobResult judge(const Entry& entry, govern::JobEnd end) const;
  void record(JobResult result);
  void let_go(Entry& entry, bool restore);
  void clear_groups(Entry& entry);
  [[nodiscard]] bool remove_if_empty(const govern::Governed& governed);
  void reconcile(Entry& entry);
  // What came of it stands in the entry, and in the claim what a later governor needs to undo it.
  [[nodiscard]] Result<govern::Reassertion> reassert(Entry& entry);
  static void keep_shortfalls(Entry& entry, const std::vector<govern::LimitReport>& reports);
  void contest(Entry& entry, const std::vector<govern::Drift>& drifts);
  void adopt_claim(const govern::FoundClaim& found, const State& state);
  [[nodiscard]] bool take_over(const govern::FoundClaim& found, const State& state);
  // Whoever was given up is not found anew.
  void take_over_dead(const govern::DeadLetter& letter);
  [[nodiscard]] bool holds_priorities(const govern::Governed& governed) const;
  [[nodiscard]] Entry make_entry(const govern::ProcessFacts& facts) const;
  // The policy, or its reader, changed: whether it is still meant, and under which limits.
  void ask_again(pid_t pid);
  [[nodiscard]] std::optional<std::string> decide_command(const govern::ProcessFacts& facts);
  void change_rule(Entry& entry, const govern::Rule& rule);
  void changed() { ++version_; }

  Context context_;
  std::shared_ptr<const govern::Policy> policy_;
  LimitsPool limits_;
  Ledger ledger_;
  std::vector<Leftover> leftovers_;
  std::deque<govern::DeadLetter> dead_letters_;  // newest last
  std::deque<JobResult> results_;                // newest last
  std::deque<double> attach_times_;              // seconds
  std::vector<pid_t> round_;                     // still to be looked at by reconcile_some
  StateStatistics statistics_;
  std::int64_t new_attachments_ = 0;  // since the last scan
  // Identities that stand in the statistics of an earlier daemon; true: as attached.
  std::map<sys::ProcessKey, bool> counted_;
  std::size_t failures_ = 0;
  std::uint64_t version_ = 0;
  std::function<void()> read_events_;  // none: there are no events
  std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace ffrtmp::watch
