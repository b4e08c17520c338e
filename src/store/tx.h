#pragma once
// The rows of one transaction: the small set of operations that apply() needs of a backend. A backend (memory, SQLite,
// later PostgreSQL) implements these and nothing of the rules. Errors: kStoreUnavailable, and kCorrupt for a row that
// cannot be read, which it names; "no such row" is an empty optional or pointer. Called on the writer's thread.
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/requirement.h"
#include "store/command.h"

namespace ffrtmp::store {

using ClassId = std::int64_t;

inline constexpr std::size_t kClaimsKept = 16;

// A waiting job in the index (class, key, sequence). Smallest key first, then smallest sequence.
struct QueueEntry {
  ClassId class_id = 0;
  std::int64_t key = 0;  // microseconds: queued_at - level * aging (sched/queue_key.h)
  std::int64_t sequence = 0;
};

struct RequirementClass {
  ClassId id = 0;
  model::Requirement need;
  std::int64_t waiting = 0;  // entries in the queue
};

struct IdempotencyRow {
  std::int64_t job_sequence = 0;
  std::string body_sha256;
  UtcTime created_at;
};

using StateCounts = std::map<model::JobState, std::int64_t>;

// A job as the backend holds it, null where there is none. Never changed through; its `now` follows update_job.
using JobPtr = std::shared_ptr<const model::Job>;

class Tx {
 public:
  virtual ~Tx() = default;

  // Sets job.sequence_number to the next number. A state and the transition that led to it are always written together.
  virtual Status insert_job(model::Job& job, const model::Transition& first) = 0;
  virtual Result<JobPtr> find_job(const JobRef& ref) = 0;
  // Writes what may change of a job, and the transitions that led there.
  virtual Status update_job(std::int64_t sequence, const model::JobStatus& now,
                            const std::vector<model::Transition>& transitions) = 0;
  // Jobs by state: read once at start.
  virtual Result<StateCounts> count_by_state() = 0;

  // The class of an equal requirement, made when it is new. Classes are few and cached.
  virtual Result<ClassId> intern_class(const model::Requirement& need) = 0;
  // Valid until the next intern_class().
  virtual Result<std::span<const RequirementClass>> classes() = 0;
  virtual Status enqueue(const QueueEntry& entry) = 0;
  virtual Status dequeue(const QueueEntry& entry) = 0;
  // A job that cannot be read is found by head() and due_retries() no more; its row stays as it is otherwise.
  virtual Status set_aside(std::int64_t sequence) = 0;
  // The entries of one class with the smallest keys, in order; at most `limit`.
  virtual Result<std::vector<QueueEntry>> head(ClassId class_id, int limit) = 0;
  // Jobs in `retrying` whose next_retry_at has come, earliest first.
  virtual Result<std::vector<std::int64_t>> due_retries(UtcTime now, int limit) = 0;

  virtual Status insert_attempt(const model::Attempt& attempt) = 0;
  virtual Result<std::optional<model::Attempt>> find_attempt(const Uuid& id) = 0;
  // Writes state, started_at, ended_at, grant, result and its reply.
  virtual Status update_attempt(const model::Attempt& attempt) = 0;
  // The attempts that one claim created, live or not, in any order. Of each node the last kClaimsKept claims are known,
  // and after a restart those with an attempt that lives: a worker repeats only the claim that was not answered.
  virtual Result<std::vector<model::Attempt>> attempts_of_claim(const Uuid& node_id, const Uuid& claim_id) = 0;
  // Grants of the job's attempts, newest first.
  virtual Result<std::vector<model::PublishGrant>> grants_of_job(std::int64_t job_sequence) = 0;
  // Live attempts of all nodes, and jobs in a live state: read once at start. An attempt that cannot be read is left
  // out, with a word to the operator.
  virtual Result<std::vector<model::Attempt>> live_attempts() = 0;
  virtual Result<std::vector<std::int64_t>> live_jobs() = 0;
  virtual Status put_progress(std::int64_t job_sequence, const model::Progress& progress) = 0;

  virtual Status put_node(const model::Node& node) = 0;  // insert or replace
  virtual Result<std::optional<model::Node>> find_node(const Uuid& id) = 0;
  // All that can be read, with a word to the operator on the others: read once at start.
  virtual Result<std::vector<model::Node>> nodes() = 0;

  virtual Result<std::optional<IdempotencyRow>> find_idempotency(const std::string& owner, const std::string& key) = 0;
  virtual Status put_idempotency(const std::string& owner, const std::string& key, const IdempotencyRow& row) = 0;
  virtual Status expire_idempotency(UtcTime before) = 0;

  virtual Status put_key(const KeyRecord& key) = 0;
};

}  // namespace ffrtmp::store
