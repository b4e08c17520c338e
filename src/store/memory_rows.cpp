#include "store/memory_rows.h"

#include <algorithm>

#include "base/text.h"

namespace ffrtmp::store {

Status MemorySession::will_write(std::function<void()> undo) {
  if (undo_.empty()) {
    FFRTMP_TRY(fault_at("store", "begin"));
    begin();
  }
  undo_.push_back(std::move(undo));
  return {};
}

Status MemorySession::commit() {
  if (undo_.empty()) return {};
  FFRTMP_TRY(fault_at("store", "commit"));
  FFRTMP_TRY(fault_at("store_commit", "commit"));
  undo_.clear();
  end();
  return {};
}

void MemorySession::roll_back() {
  if (undo_.empty()) return;
  for (auto undo = undo_.rbegin(); undo != undo_.rend(); ++undo) (*undo)();
  undo_.clear();
  end();
}

Status MemorySession::probe() { return fault_at("store", "write"); }

Status MemorySession::insert_job(model::Job& job, const model::Transition& first) {
  const std::int64_t sequence = data_.last_sequence + 1;
  FFRTMP_TRY(will_write([this, sequence, id = job.id] {
    data_.jobs.erase(sequence);
    data_.sequence_of.erase(id);
  }));
  data_.last_sequence = sequence;
  job.sequence_number = sequence;
  auto& row = data_.jobs[sequence];
  row.job = std::make_shared<model::Job>(job);
  row.transitions = {first};
  data_.sequence_of[job.id] = sequence;
  return {};
}

Result<JobPtr> MemorySession::find_job(const JobRef& ref) {
  std::int64_t sequence = 0;
  if (const auto* number = std::get_if<std::int64_t>(&ref))
    sequence = *number;
  else if (const auto known = data_.sequence_of.find(std::get<Uuid>(ref)); known != data_.sequence_of.end())
    sequence = known->second;
  const auto found = data_.jobs.find(sequence);
  if (found == data_.jobs.end()) return JobPtr();
  return JobPtr(found->second.job);
}

Status MemorySession::update_job(std::int64_t sequence, const model::JobStatus& now,
                                 const std::vector<model::Transition>& transitions) {
  auto& row = data_.jobs.at(sequence);
  FFRTMP_TRY(will_write([this, sequence, was = row.job->now, is = now, count = transitions.size()] {
    auto& changed = data_.jobs.at(sequence);
    if (is.next_retry_at) data_.retries.erase({*is.next_retry_at, sequence});
    if (was.next_retry_at) data_.retries.insert({*was.next_retry_at, sequence});
    changed.job->now = was;
    changed.transitions.resize(changed.transitions.size() - count);
  }));
  if (row.job->now.next_retry_at) data_.retries.erase({*row.job->now.next_retry_at, sequence});
  if (now.next_retry_at) data_.retries.insert({*now.next_retry_at, sequence});
  row.job->now = now;
  row.transitions.insert(row.transitions.end(), transitions.begin(), transitions.end());
  return {};
}

Result<StateCounts> MemorySession::count_by_state() {
  StateCounts counts;
  for (const auto& [sequence, row] : data_.jobs) ++counts[row.job->now.status];
  return counts;
}

Result<ClassId> MemorySession::intern_class(const model::Requirement& need) {
  for (const RequirementClass& one : data_.classes)
    if (one.need == need) return one.id;
  FFRTMP_TRY(will_write([this] { data_.classes.pop_back(); }));
  const auto id = static_cast<ClassId>(data_.classes.size()) + 1;
  data_.classes.push_back({id, need, 0});
  return id;
}

void MemorySession::count_waiting(ClassId id, int change) {
  data_.classes.at(static_cast<std::size_t>(id - 1)).waiting += change;
}

Status MemorySession::enqueue(const QueueEntry& entry) {
  FFRTMP_TRY(will_write([this, entry] {
    data_.queue[entry.class_id].erase({entry.key, entry.sequence});
    count_waiting(entry.class_id, -1);
  }));
  data_.queue[entry.class_id].insert({entry.key, entry.sequence});
  count_waiting(entry.class_id, 1);
  return {};
}

Status MemorySession::dequeue(const QueueEntry& entry) {
  FFRTMP_TRY(will_write([this, entry] {
    data_.queue[entry.class_id].insert({entry.key, entry.sequence});
    count_waiting(entry.class_id, 1);
  }));
  data_.queue[entry.class_id].erase({entry.key, entry.sequence});
  count_waiting(entry.class_id, -1);
  return {};
}

Result<std::vector<QueueEntry>> MemorySession::head(ClassId class_id, int limit) {
  std::vector<QueueEntry> entries;
  for (const auto& [key, sequence] : data_.queue[class_id]) {
    if (static_cast<int>(entries.size()) == limit) break;
    entries.push_back({class_id, key, sequence});
  }
  return entries;
}

Result<std::vector<std::int64_t>> MemorySession::due_retries(UtcTime now, int limit) {
  std::vector<std::int64_t> due;
  for (const auto& [at, sequence] : data_.retries) {
    if (at > now || static_cast<int>(due.size()) == limit) break;
    due.push_back(sequence);
  }
  return due;
}

Status MemorySession::insert_attempt(const model::Attempt& attempt) {
  FFRTMP_TRY(will_write([this, id = attempt.id, sequence = attempt.job_sequence, claim = attempt.claim_id] {
    data_.attempts.erase(id);
    if (const auto job = data_.jobs.find(sequence); job != data_.jobs.end()) job->second.attempts.pop_back();
    data_.claims[claim].pop_back();
  }));
  data_.attempts.emplace(attempt.id, attempt);
  data_.jobs.at(attempt.job_sequence).attempts.push_back(attempt.id);
  data_.claims[attempt.claim_id].push_back(attempt.id);
  return {};
}

Result<std::optional<model::Attempt>> MemorySession::find_attempt(const Uuid& id) {
  const auto found = data_.attempts.find(id);
  if (found == data_.attempts.end()) return std::optional<model::Attempt>();
  return std::optional(found->second);
}

Status MemorySession::update_attempt(const model::Attempt& attempt) {
  model::Attempt& row = data_.attempts.at(attempt.id);
  FFRTMP_TRY(will_write([this, was = row] { data_.attempts.at(was.id) = was; }));
  row = attempt;
  return {};
}

Result<std::vector<model::Attempt>> MemorySession::attempts_of_claim(const Uuid& node_id, const Uuid& claim_id) {
  std::vector<model::Attempt> out;
  const auto found = data_.claims.find(claim_id);
  if (found == data_.claims.end()) return out;
  for (const Uuid& id : found->second)
    if (const model::Attempt& attempt = data_.attempts.at(id); attempt.node_id == node_id) out.push_back(attempt);
  return out;
}

Result<std::vector<model::PublishGrant>> MemorySession::grants_of_job(std::int64_t job_sequence) {
  std::vector<model::PublishGrant> grants;
  const auto& ids = data_.jobs.at(job_sequence).attempts;
  for (auto id = ids.rbegin(); id != ids.rend(); ++id)
    if (const auto& grant = data_.attempts.at(*id).grant) grants.push_back(*grant);
  return grants;
}

Result<std::vector<model::Attempt>> MemorySession::live_attempts() {
  std::vector<model::Attempt> out;
  for (const auto& [id, attempt] : data_.attempts)
    if (attempt.state == model::AttemptState::kLive) out.push_back(attempt);
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return out;
}

Status MemorySession::put_progress(std::int64_t job_sequence, const model::Progress& progress) {
  auto& row = data_.jobs.at(job_sequence).progress;
  FFRTMP_TRY(will_write([this, job_sequence, was = row] { data_.jobs.at(job_sequence).progress = was; }));
  row = progress;
  return {};
}

Status MemorySession::put_node(const model::Node& node) {
  const auto found = data_.nodes.find(node.id);
  if (found == data_.nodes.end())
    FFRTMP_TRY(will_write([this, id = node.id] { data_.nodes.erase(id); }));
  else
    FFRTMP_TRY(will_write([this, was = found->second] { data_.nodes[was.id] = was; }));
  data_.nodes[node.id] = node;
  return {};
}

Result<std::optional<model::Node>> MemorySession::find_node(const Uuid& id) {
  const auto found = data_.nodes.find(id);
  if (found == data_.nodes.end()) return std::optional<model::Node>();
  return std::optional(found->second);
}

Result<std::vector<model::Node>> MemorySession::nodes() {
  std::vector<model::Node> out;
  for (const auto& [id, node] : data_.nodes) out.push_back(node);
  return out;
}

Result<std::optional<IdempotencyRow>> MemorySession::find_idempotency(const std::string& owner,
                                                                      const std::string& key) {
  const auto found = data_.idempotency.find({owner, key});
  if (found == data_.idempotency.end()) return std::optional<IdempotencyRow>();
  return std::optional(found->second);
}

Status MemorySession::put_idempotency(const std::string& owner, const std::string& key, const IdempotencyRow& row) {
  const auto found = data_.idempotency.find({owner, key});
  std::optional<IdempotencyRow> was;
  if (found != data_.idempotency.end()) was = found->second;
  FFRTMP_TRY(will_write([this, owner, key, was] {
    if (was)
      data_.idempotency[{owner, key}] = *was;
    else
      data_.idempotency.erase({owner, key});
  }));
  data_.idempotency[{owner, key}] = row;
  return {};
}

Status MemorySession::expire_idempotency(UtcTime before) {
  std::map<std::pair<std::string, std::string>, IdempotencyRow> gone;
  for (const auto& [key, row] : data_.idempotency)
    if (row.created_at < before) gone.emplace(key, row);
  if (gone.empty()) return {};
  FFRTMP_TRY(will_write([this, gone] { data_.idempotency.insert(gone.begin(), gone.end()); }));
  for (const auto& [key, row] : gone) data_.idempotency.erase(key);
  return {};
}

Status MemorySession::put_key(const KeyRecord& key) {
  const auto found = data_.keys.find(key.id);
  std::optional<KeyRecord> was;
  if (found != data_.keys.end()) was = found->second;
  FFRTMP_TRY(will_write([this, id = key.id, was] {
    if (was)
      data_.keys[id] = *was;
    else
      data_.keys.erase(id);
  }));
  data_.keys[key.id] = key;
  return {};
}

}  // namespace ffrtmp::store
