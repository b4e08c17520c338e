#pragma once
// The store: apply(Command) changes it, a handful of queries read it. Two kinds, memory and SQLite, behave alike
// (store_conformance_test.cpp). Test builds break them by FFRTMP_FAULT: "store" fails at the begin and commit of a group
// and in check(), "store_commit" at commits only.
//
//   any thread ── apply(command, done) ──> queue ──> writer thread: apply() each over one Tx, commit, then every done()
//   any thread ── query ──> a reader of its own (SQLite: WAL snapshot), never waits for the writer
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/command.h"
#include "store/live.h"

namespace ffrtmp::store {

struct Settings {
  Intervals intervals;
  std::chrono::milliseconds aging{300'000};  // one level of the queue is worth this much waiting
  int max_retries = 3;              // for jobs that do not say
};

// What a commit changed for those who wait; handed to the listener after the commit, before done().
struct Effects {
  bool queue_grew = false;              // a job was queued: waiting claims may match
  std::vector<Uuid> nodes_with_commands;  // a live attempt there has something to do
  std::vector<std::int64_t> jobs_changed;  // status, desired or progress changed
  std::vector<model::SlaVerdict> verdicts;  // of jobs that ended
};

struct JobFilter {
  std::vector<model::JobState> status;  // empty: all
  std::optional<model::Queue> queue;
  std::optional<model::Priority> priority;
  std::optional<model::Engine> engine;
  std::optional<model::Classification> classification;
  std::optional<std::string> scenario;
  std::optional<Uuid> node_id;
  std::optional<std::string> owner;
  std::optional<model::FailureReason> failure_reason;
  std::optional<UtcTime> created_after;   // exclusive
  std::optional<UtcTime> created_before;  // exclusive
};

// A job as a reader sees it.
struct JobView {
  model::Job job;
  std::optional<model::Progress> progress;
};

struct JobDetail {
  JobView view;
  std::vector<model::Transition> transitions;  // oldest first
  std::vector<model::Attempt> attempts;        // oldest first
};

struct JobPage {
  std::vector<JobView> jobs;                       // newest (highest number) first
  std::optional<std::int64_t> next_before_sequence;  // there are older ones: continue below this number
};

struct NodeView {
  model::Node node;
  model::NodeStatus status = model::NodeStatus::kOffline;
  NodeLoad load;
  std::vector<Uuid> active_attempts;
};

// Closed jobs that are alike in all that a report groups by.
struct SlaCount {
  std::string scenario;
  model::Queue queue = model::Queue::kDefault;
  std::optional<model::Classification> classification;
  model::SlaVerdict verdict = model::SlaVerdict::kCompliant;
  std::string reason;
  bool counts = false;  // in the rate
  std::int64_t jobs = 0;
  bool operator==(const SlaCount&) const = default;
};
BOOST_DESCRIBE_STRUCT(SlaCount, (), (scenario, queue, classification, verdict, reason, counts, jobs))

class Store {
 public:
  using Done = std::function<void(Result<Reply>)>;
  using Listener = std::function<void(const Effects&)>;

  virtual ~Store() = default;  // waits for commands already taken

  // Takes a command; done() runs on the writer thread after its commit, or at once with kStoreUnavailable.
  virtual void apply(Command command, Done done) = 0;
  // Called on the writer thread; set before the first apply.
  virtual void set_listener(Listener listener) = 0;

  virtual Result<std::optional<JobDetail>> job(const JobRef& ref) = 0;
  virtual Result<JobPage> list_jobs(const JobFilter& filter, std::optional<std::int64_t> before_sequence, int limit) = 0;
  virtual Result<std::vector<NodeView>> nodes() = 0;
  virtual Result<std::vector<KeyRecord>> keys() = 0;
  // All jobs that ended in [from, to), grouped; ordered by the members in turn. Jobs from before verdicts were kept are
  // not in it.
  virtual Result<std::vector<SlaCount>> sla_counts(std::optional<UtcTime> from, std::optional<UtcTime> to) = 0;
  // Jobs by state, for metrics.
  virtual Result<std::map<model::JobState, std::int64_t>> count_by_state() = 0;
  // One write and one read, for readiness; kStoreUnavailable with a reason.
  virtual Status check() = 0;

  // apply() that waits. Not on the writer thread.
  template <class C>
  Result<typename C::Reply> apply_wait(C command);
};

[[nodiscard]] std::unique_ptr<Store> open_memory_store(const Settings& settings, const Clock& clock, IdSource& ids);
// Opens or creates the database file (0600) and migrates it. kStoreUnavailable names the file. A file on tmpfs is
// accepted here; benches refuse it.
[[nodiscard]] Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path, const Settings& settings,
                                                              const Clock& clock, IdSource& ids);

Result<Reply> apply_blocking(Store& store, Command command);

template <class C>
Result<typename C::Reply> Store::apply_wait(C command) {
  auto reply = apply_blocking(*this, Command(std::move(command)));
  if (!reply) return std::move(reply).error();
  return std::get<typename C::Reply>(std::move(*reply));
}

}  // namespace ffrtmp::store
