#pragma once
// All rows in memory: the store of tests, of `--db memory` and of the simulator. A failed group is taken back by an
// undo journal. Not thread-safe by itself (memory.cpp locks around it).
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/session.h"

namespace ffrtmp::store {

struct MemoryData {
  struct JobRow {
    std::shared_ptr<model::Job> job;
    std::vector<model::Transition> transitions;
    std::vector<Uuid> attempts;
    std::optional<model::Progress> progress;
  };
  using QueueKey = std::pair<std::int64_t, std::int64_t>;  // key, sequence

  std::map<std::int64_t, JobRow> jobs;
  std::unordered_map<Uuid, std::int64_t> sequence_of;
  std::unordered_map<Uuid, model::Attempt> attempts;
  std::unordered_map<Uuid, std::vector<Uuid>> claims;
  std::set<std::pair<UtcTime, std::int64_t>> retries;
  std::vector<RequirementClass> classes;
  std::map<ClassId, std::set<QueueKey>> queue;
  std::map<Uuid, model::Node> nodes;
  std::map<std::pair<std::string, std::string>, IdempotencyRow> idempotency;
  std::map<std::string, KeyRecord> keys;
  std::int64_t last_sequence = 0;
};

class MemorySession : public Session {
 public:
  explicit MemorySession(MemoryData& data) : data_(data) {}

  Status insert_job(model::Job& job, const model::Transition& first) override;
  Result<JobPtr> find_job(const JobRef& ref) override;
  Status update_job(std::int64_t sequence, const model::JobStatus& now,
                    const std::vector<model::Transition>& transitions) override;
  Result<StateCounts> count_by_state() override;
  Result<ClassId> intern_class(const model::Requirement& need) override;
  Result<std::span<const RequirementClass>> classes() override {
    return std::span<const RequirementClass>(data_.classes);
  }
  Status enqueue(const QueueEntry& entry) override;
  Status dequeue(const QueueEntry& entry) override;
  Status set_aside(std::int64_t) override { return {}; }  // nothing here is ever damaged
  Result<std::vector<QueueEntry>> head(ClassId class_id, int limit) override;
  Result<std::vector<std::int64_t>> due_retries(UtcTime now, int limit) override;
  Status insert_attempt(const model::Attempt& attempt) override;
  Result<std::optional<model::Attempt>> find_attempt(const Uuid& id) override;
  Status update_attempt(const model::Attempt& attempt) override;
  Result<std::vector<model::Attempt>> attempts_of_claim(const Uuid& node_id, const Uuid& claim_id) override;
  Result<std::vector<model::PublishGrant>> grants_of_job(std::int64_t job_sequence) override;
  Result<std::vector<model::Attempt>> live_attempts() override;
  // Only asked for jobs whose attempt cannot be read: here there are none.
  Result<std::vector<std::int64_t>> live_jobs() override { return std::vector<std::int64_t>{}; }
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

 protected:
  // Called before the group's first write.
  virtual void begin() {}
  virtual void end() {}

 private:
  // Notes how to take the next write back; fails where a fault is armed.
  Status will_write(std::function<void()> undo);
  void count_waiting(ClassId id, int change);

  MemoryData& data_;
  std::vector<std::function<void()>> undo_;
};

}  // namespace ffrtmp::store
