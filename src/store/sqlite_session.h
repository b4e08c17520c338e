#pragma once
// The writing session on SQLite. It is the only writer of the file, so it may keep what it read and wrote: jobs and
// attempts that are live, all classes. A failed group empties these.
#include <deque>
#include <unordered_map>
#include <vector>

#include "store/session.h"
#include "store/sqlite_checkpointer.h"
#include "store/sqlite_db.h"

namespace ffrtmp::store {

class SqliteSession final : public Session {
 public:
  // `checkpoints`: a second connection to the same file.
  SqliteSession(Database db, Database checkpoints);
  // Drops classes that nobody waits in, and reads the others; before first use.
  Status load();

  Status insert_job(model::Job& job, const model::Transition& first) override;
  Result<JobPtr> find_job(const JobRef& ref) override;
  Status update_job(std::int64_t sequence, const model::JobStatus& now,
                    const std::vector<model::Transition>& transitions) override;
  Result<StateCounts> count_by_state() override;
  Result<ClassId> intern_class(const model::Requirement& need) override;
  Result<std::span<const RequirementClass>> classes() override;
  Status enqueue(const QueueEntry& entry) override;
  Status dequeue(const QueueEntry& entry) override;
  Status set_aside(std::int64_t sequence) override;
  Result<std::vector<QueueEntry>> head(ClassId class_id, int limit) override;
  Result<std::vector<std::int64_t>> due_retries(UtcTime now, int limit) override;
  Status insert_attempt(const model::Attempt& attempt) override;
  Result<std::optional<model::Attempt>> find_attempt(const Uuid& id) override;
  Status update_attempt(const model::Attempt& attempt) override;
  Result<std::vector<model::Attempt>> attempts_of_claim(const Uuid& node_id, const Uuid& claim_id) override;
  Result<std::vector<model::PublishGrant>> grants_of_job(std::int64_t job_sequence) override;
  Result<std::vector<model::Attempt>> live_attempts() override;
  Result<std::vector<std::int64_t>> live_jobs() override;
  Status put_progress(std::int64_t job_sequence, const model::Progress& progress) override;
  Status put_node(const model::Node& node) override;
  Result<std::optional<model::Node>> find_node(const Uuid& id) override;
  Result<std::vector<model::Node>> nodes() override;
  Result<std::optional<IdempotencyRow>> find_idempotency(const std::string& owner, const std::string& key) override;
  Status put_idempotency(const std::string& owner, const std::string& key, const IdempotencyRow& row) override;
  Status expire_idempotency(UtcTime before) override;
  Status put_key(const KeyRecord& key) override;

  Status commit() override;
  void roll_back() override;
  Status probe() override;

 private:
  struct MadeByClaim {
    Uuid claim_id;
    std::vector<Uuid> attempts;
  };
  struct Held {
    std::shared_ptr<model::Job> job;
    std::int64_t last_transition = 0;
  };

  // Begins the transaction when this is the group's first write.
  Status will_write();
  void tend_log();
  Status load_classes();
  void forget_classes();
  void reload_classes();
  // Reads the classes again when a roll-back could not; what is there without them looks like an empty queue.
  Status find_classes();
  Status load_waiting();
  Status write_probe(std::int64_t value);
  // Queues again, by what each needs, the jobs of classes that cannot be read; before anybody writes.
  Status mend_classes();
  Status queue_again(ClassId unreadable);
  // Of a class that cannot be read nothing is counted.
  void count_waiting(ClassId id, std::int64_t change);
  Status dequeue_wherever(std::int64_t sequence);
  // Returns the ordinal of the last one.
  Result<std::int64_t> add_transitions(std::int64_t sequence, std::optional<std::int64_t> previous,
                                       const std::vector<model::Transition>& transitions);
  // The job and its history's end, from memory or its row; null where there is none.
  Result<const Held*> hold(std::int64_t sequence);
  Result<const Held*> read_one_job(Statement& query);
  void forget_visitors();
  void note_claim(const model::Attempt& attempt);
  Result<std::vector<model::Attempt>> read_attempts(Statement& query);

  Database db_;
  SqliteCheckpointer checkpointer_;
  int log_pages_ = 0;
  bool in_transaction_ = false;
  bool lost_cache_ = false;  // a rollback whose reload failed: tried again before the next use
  std::int64_t next_ordinal_ = 1;
  std::int64_t probe_value_ = 0;
  std::vector<RequirementClass> classes_;
  std::unordered_map<ClassId, std::size_t> class_at_;
  std::unordered_map<std::string, ClassId> class_by_text_;
  std::vector<ClassId> unreadable_classes_;      // found when they were read last
  std::unordered_map<std::int64_t, Held> jobs_;  // live ones, and the group's visitors
  std::vector<std::int64_t> visitors_;           // read in this group; forgotten with it unless they live
  std::unordered_map<Uuid, model::Attempt> live_attempts_;
  std::unordered_map<Uuid, std::deque<MadeByClaim>> claims_;  // of a node, oldest first; may name what was rolled back

  Statement begin_, commit_, rollback_;
  Statement insert_job_, insert_spec_, update_job_, job_by_sequence_, job_by_id_, add_transition_;
  Statement insert_class_, drop_class_, drop_class_entries_, enqueue_, dequeue_, dequeue_wherever_, head_,
      forget_retry_, due_retries_;
  Statement insert_attempt_, update_attempt_, end_attempt_, attempt_by_id_, grants_, live_attempts_query_, live_jobs_;
  Statement put_progress_, put_node_, node_by_id_, nodes_, find_idempotency_, put_idempotency_, expired_keys_,
      expire_idempotency_, put_key_, put_probe_, read_probe_;
};

}  // namespace ffrtmp::store
