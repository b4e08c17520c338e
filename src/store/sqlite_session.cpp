#include "store/sqlite_session.h"

#include <algorithm>
#include <tuple>

#include "base/log.h"
#include "store/sqlite_jobs.h"
#include "store/sqlite_row.h"
#include "store/sqlite_schema.h"

namespace ffrtmp::store {
namespace {

using model::Attempt;
using model::Job;
using model::JobStatus;
using model::Node;
using model::Transition;

// Pages of 4 KiB. 16 MiB: a checkpoint costs little, and so does reading the log after a crash. Only when commits
// outrun the checkpointer up to 160 MiB does the writer wait for its own.
constexpr int kLongLog = 4000;
constexpr int kLogLimit = 40'000;

std::int64_t key_of(const Attempt& attempt) { return attempt_key(attempt.job_sequence, attempt.number); }

std::string insert_or_replace(std::string_view table, std::string_view names, std::string_view values) {
  return cat("INSERT OR REPLACE INTO ", table, "(", names, ") VALUES(", values, ")");
}

}  // namespace

SqliteSession::SqliteSession(Database db, Database checkpoints)
    : db_(std::move(db)),
      checkpointer_(std::move(checkpoints)),
      begin_(db_, "BEGIN IMMEDIATE"),
      commit_(db_, "COMMIT"),
      rollback_(db_, "ROLLBACK"),
      insert_job_(db_, cat("INSERT INTO job(last_transition, ", columns<JobStatus>(), ", spare) VALUES(?1, ",
                           parameters<JobStatus>(2), ", zeroblob(96)) RETURNING sequence")),
      insert_spec_(db_, "INSERT INTO job_spec VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)"),
      update_job_(
          db_, cat("UPDATE job SET last_transition=?2, ", assignments<JobStatus>(3), ", spare=NULL WHERE sequence=?1")),
      job_by_sequence_(db_, select_jobs() + "WHERE job.sequence=?1"),
      job_by_id_(db_, select_jobs() + "WHERE job.sequence=(SELECT sequence FROM job_spec WHERE id=?1)"),
      add_transition_(db_, cat("INSERT INTO transition(ordinal, previous, job_sequence, ", columns<Transition>(),
                               ") VALUES(?1, ?2, ?3, ", parameters<Transition>(4), ")")),
      insert_class_(db_, "INSERT INTO requirement(need) VALUES(?1) RETURNING id"),
      drop_class_(db_, "DELETE FROM requirement WHERE id=?1"),
      drop_class_entries_(db_, "DELETE FROM queue WHERE class=?1 RETURNING key, sequence"),
      enqueue_(db_, "INSERT INTO queue VALUES(?1,?2,?3)"),
      dequeue_(db_, "DELETE FROM queue WHERE class=?1 AND key=?2 AND sequence=?3"),
      dequeue_wherever_(db_, "DELETE FROM queue WHERE sequence=?1 RETURNING class"),
      head_(db_, "SELECT key, sequence FROM queue WHERE class=?1 ORDER BY key, sequence LIMIT ?2"),
      forget_retry_(db_, "UPDATE job SET next_retry_at=NULL WHERE sequence=?1"),
      due_retries_(db_,
                   "SELECT sequence FROM job WHERE next_retry_at<=?1 AND next_retry_at IS NOT NULL"
                   " ORDER BY next_retry_at LIMIT ?2"),
      insert_attempt_(
          db_,
          "INSERT INTO attempt(key, id, job_sequence, number, node_id, claim_id, claimed_at, session_device)"
          " VALUES(?1,?2,?3,?4,?5,?6,?7,?8)"),
      update_attempt_(db_, "UPDATE attempt SET started_at=?2, \"grant\"=?3 WHERE key=?1"),
      end_attempt_(db_, "INSERT OR REPLACE INTO attempt_end VALUES(?1,?2,?3,?4,?5,?6,?7)"),
      attempt_by_id_(db_, select_attempts() + "WHERE id=?1"),
      grants_(db_,
              "SELECT \"grant\" FROM attempt WHERE key BETWEEN ?1 AND ?2 AND \"grant\" IS NOT NULL ORDER BY key DESC"),
      live_attempts_query_(db_, select_attempts() +
                                    "WHERE id IN (SELECT attempt_id FROM job WHERE status IN (?1, ?2, ?3) AND"
                                    " attempt_id IS NOT NULL AND " +
                                    kInStatusIndex + ") ORDER BY attempt.key"),
      live_jobs_(db_, cat("SELECT sequence FROM job WHERE status IN (?1, ?2, ?3) AND ", kInStatusIndex)),
      put_progress_(db_, "INSERT OR REPLACE INTO progress VALUES(?1,?2)"),
      put_node_(db_, insert_or_replace("node", columns<Node>(), parameters<Node>(1))),
      node_by_id_(db_, cat("SELECT ", columns<Node>(), " FROM node WHERE id=?1")),
      nodes_(db_, cat("SELECT ", columns<Node>(), " FROM node ORDER BY registered_at")),
      find_idempotency_(db_, "SELECT sequence, body_sha256, created_at FROM idempotency WHERE owner=?1 AND key=?2"),
      put_idempotency_(db_, "INSERT OR REPLACE INTO idempotency VALUES(?1,?2,?3,?4,?5)"),
      expired_keys_(db_, "SELECT 1 FROM idempotency WHERE created_at<?1 LIMIT 1"),
      expire_idempotency_(db_, "DELETE FROM idempotency WHERE created_at<?1"),
      put_key_(db_, insert_or_replace("api_key", columns<KeyRecord>(), parameters<KeyRecord>(1))),
      put_probe_(db_, "INSERT OR REPLACE INTO probe VALUES(1, ?1)"),
      read_probe_(db_, "SELECT value FROM probe WHERE id=1") {
  const auto keep_length = [](void* session, sqlite3*, const char*, int pages) {
    static_cast<SqliteSession*>(session)->log_pages_ = pages;
    return 0;
  };
  db_.on_commit(keep_length, this);
}

Status SqliteSession::load() {
  Statement last(db_, "SELECT max(ordinal) FROM transition");
  FFRTMP_TRY(last.begin());
  FFRTMP_ASSIGN(const bool row, last.step());
  if (row) next_ordinal_ = last.integer(0) + 1;
  last.reset();
  // Every label and every host that was ever asked for makes a class. One that no job waits in is made again when
  // needed.
  FFRTMP_TRY(db_.execute("DELETE FROM requirement WHERE NOT EXISTS (SELECT 1 FROM queue WHERE class=requirement.id)"));
  FFRTMP_TRY(load_classes());
  return mend_classes();
}

// What a failed group made of the classes goes.
void SqliteSession::reload_classes() {
  forget_classes();
  Status status = fault_at("store", "read");
  if (status) status = load_classes();
  lost_cache_ = !status;
}

Status SqliteSession::find_classes() {
  if (lost_cache_) reload_classes();
  if (lost_cache_) return make_error(Errc::kStoreUnavailable, "the classes of waiting jobs cannot be read");
  return {};
}

Result<std::span<const RequirementClass>> SqliteSession::classes() {
  FFRTMP_TRY(find_classes());
  return std::span<const RequirementClass>(classes_);
}

void SqliteSession::forget_classes() {
  classes_.clear();
  class_at_.clear();
  class_by_text_.clear();
  unreadable_classes_.clear();
}

Status SqliteSession::load_classes() {
  forget_classes();
  Statement all(db_, "SELECT id, need FROM requirement ORDER BY id");
  FFRTMP_TRY(all.begin());
  while (true) {
    FFRTMP_ASSIGN(const bool row, all.step());
    if (!row) break;
    RequirementClass one;
    one.id = all.integer(0);
    if (const Status read = read_value(all, 1, one.need); !read) {
      log::error("a damaged class of jobs is left out",
                 {{"reason", cat("table requirement, id ", one.id, ": ", read.error().message)}});
      unreadable_classes_.push_back(one.id);
      continue;
    }
    class_at_[one.id] = classes_.size();
    class_by_text_[json::encode(one.need)] = one.id;  // as intern_class spells it, whichever version wrote the row
    classes_.push_back(std::move(one));
  }
  return load_waiting();
}

Status SqliteSession::load_waiting() {
  Statement counts(db_, "SELECT class, count(*) FROM queue GROUP BY class");
  FFRTMP_TRY(counts.begin());
  while (true) {
    FFRTMP_ASSIGN(const bool row, counts.step());
    if (!row) return {};
    const ClassId id = counts.integer(0);
    if (!class_at_.contains(id) && std::ranges::find(unreadable_classes_, id) == unreadable_classes_.end())
      unreadable_classes_.push_back(id);
    count_waiting(id, counts.integer(1));
  }
}

void SqliteSession::count_waiting(ClassId id, std::int64_t change) {
  if (const auto known = class_at_.find(id); known != class_at_.end()) classes_[known->second].waiting += change;
}

Status SqliteSession::mend_classes() {
  for (const ClassId id : std::exchange(unreadable_classes_, {})) FFRTMP_TRY(queue_again(id));
  return commit();
}

Status SqliteSession::queue_again(ClassId unreadable) {
  FFRTMP_TRY(will_write());
  std::vector<QueueEntry> entries;
  FFRTMP_TRY(bind_all(drop_class_entries_, unreadable));
  while (true) {
    FFRTMP_ASSIGN(const bool row, drop_class_entries_.step());
    if (!row) break;
    entries.push_back({unreadable, drop_class_entries_.integer(0), drop_class_entries_.integer(1)});
  }
  FFRTMP_TRY(run(drop_class_, unreadable));
  for (QueueEntry& entry : entries) {
    const auto held = hold(entry.sequence);
    if (!held && held.error().code != Errc::kCorrupt) return held.error();
    if (!held || *held == nullptr) {
      log::error(
          "a damaged job is set aside",
          {{"job", cat(entry.sequence)}, {"reason", held ? std::string("it has no row") : held.error().message}});
      continue;
    }
    const Job& job = *(*held)->job;
    FFRTMP_ASSIGN(entry.class_id, intern_class(model::requirement_of(job.spec, job.effective)));
    FFRTMP_TRY(enqueue(entry));
  }
  log::warn("jobs of a damaged class are queued again", {{"class", cat(unreadable)}, {"jobs", cat(entries.size())}});
  return {};
}

Status SqliteSession::will_write() {
  if (in_transaction_) return {};
  FFRTMP_TRY(find_classes());
  FFRTMP_TRY(fault_at("store", "begin"));
  FFRTMP_TRY(run(begin_));
  in_transaction_ = true;
  return {};
}

Status SqliteSession::commit() {
  forget_visitors();
  if (!in_transaction_) return {};
  FFRTMP_TRY(fault_at("store", "commit"));
  FFRTMP_TRY(fault_at("store_commit", "commit"));
  FFRTMP_TRY(run(commit_));
  in_transaction_ = false;
  tend_log();
  return {};
}

// A failure to shorten the log is no failure of the commit: it is durable already, and the next one tries again.
void SqliteSession::tend_log() {
  if (log_pages_ < kLongLog) return;
  if (checkpointer_.pass_ended() || log_pages_ >= kLogLimit)
    static_cast<void>(db_.checkpoint());
  else
    checkpointer_.wake();
}

void SqliteSession::roll_back() {
  // A statement that failed hard may have ended the transaction already; then this one fails and nothing is left to
  // undo.
  if (in_transaction_) static_cast<void>(run(rollback_));
  in_transaction_ = false;
  jobs_.clear();
  visitors_.clear();
  live_attempts_.clear();
  reload_classes();
}

Status SqliteSession::probe() {
  Status status = write_probe(++probe_value_);
  if (!status && in_transaction_) roll_back();
  return status;
}

Status SqliteSession::write_probe(std::int64_t value) {
  FFRTMP_TRY(will_write());
  FFRTMP_TRY(run(put_probe_, value));
  FFRTMP_TRY(commit());
  FFRTMP_TRY(read_probe_.begin());
  FFRTMP_ASSIGN(const bool row, read_probe_.step());
  const bool same = row && read_probe_.integer(0) == value;
  read_probe_.reset();
  return same ? Status() : make_error(Errc::kStoreUnavailable, "the store did not keep a row");
}

// ---- jobs ----

Status SqliteSession::insert_job(Job& job, const Transition& first) {
  FFRTMP_TRY(will_write());
  FFRTMP_TRY(insert_job_.begin());
  insert_job_.bind(1, next_ordinal_);
  bind_row(insert_job_, 2, job.now);
  FFRTMP_ASSIGN(const bool row, insert_job_.step());
  if (!row) return make_error(Errc::kStoreUnavailable, "a job got no number");
  job.sequence_number = insert_job_.integer(0);
  FFRTMP_TRY(insert_job_.run());
  FFRTMP_TRY(add_transitions(job.sequence_number, std::nullopt, {first}));
  const model::JobSpec& spec = job.spec;
  return run(insert_spec_, job.sequence_number, job.id, job.owner, job.created_at, spec.queue, spec.priority,
             spec.engine, spec.classification, spec.scenario, changes_of(spec), changes_of(job.effective),
             changes_of(job.scenario_parsed));
}

Result<std::int64_t> SqliteSession::add_transitions(std::int64_t sequence, std::optional<std::int64_t> previous,
                                                    const std::vector<Transition>& transitions) {
  for (const Transition& transition : transitions) {
    FFRTMP_TRY(add_transition_.begin());
    add_transition_.bind(1, next_ordinal_);
    bind_value(add_transition_, 2, previous);
    add_transition_.bind(3, sequence);
    bind_row(add_transition_, 4, transition);
    FFRTMP_TRY(add_transition_.run());
    previous = next_ordinal_++;
  }
  return previous.value_or(0);
}

Result<const SqliteSession::Held*> SqliteSession::read_one_job(Statement& query) {
  FFRTMP_ASSIGN(const bool row, query.step());
  if (!row) return nullptr;
  auto job = std::make_shared<Job>();
  const Status read = read_job(query, *job);
  const std::int64_t last_transition = query.integer(columns_of_job());
  query.reset();
  FFRTMP_TRY(read);
  // What another look-up of the group has brought is as new as what it wrote.
  const auto [known, is_new] = jobs_.try_emplace(job->sequence_number, Held{job, last_transition});
  if (is_new) visitors_.push_back(job->sequence_number);
  return &known->second;
}

Result<const SqliteSession::Held*> SqliteSession::hold(std::int64_t sequence) {
  if (const auto known = jobs_.find(sequence); known != jobs_.end()) return &known->second;
  FFRTMP_TRY(bind_all(job_by_sequence_, sequence));
  return read_one_job(job_by_sequence_);
}

Result<JobPtr> SqliteSession::find_job(const JobRef& ref) {
  const Held* held = nullptr;
  if (const auto* id = std::get_if<Uuid>(&ref)) {
    FFRTMP_TRY(bind_all(job_by_id_, *id));
    FFRTMP_ASSIGN(held, read_one_job(job_by_id_));
  } else {
    FFRTMP_ASSIGN(held, hold(std::get<std::int64_t>(ref)));
  }
  return held == nullptr ? JobPtr() : JobPtr(held->job);
}

Status SqliteSession::update_job(std::int64_t sequence, const JobStatus& now,
                                 const std::vector<Transition>& transitions) {
  FFRTMP_TRY(will_write());
  FFRTMP_ASSIGN(const Held* held, hold(sequence));
  if (held == nullptr) return make_error(Errc::kStoreUnavailable, cat("job ", sequence, " has no row"));
  FFRTMP_ASSIGN(const std::int64_t last, add_transitions(sequence, held->last_transition, transitions));
  FFRTMP_TRY(update_job_.begin());
  update_job_.bind(1, sequence);
  update_job_.bind(2, last);
  bind_row(update_job_, 3, now);
  FFRTMP_TRY(update_job_.run());
  if (!model::is_live(now.status) && model::is_live(held->job->now.status)) visitors_.push_back(sequence);
  jobs_[sequence].last_transition = last;
  held->job->now = now;
  return {};
}

Result<StateCounts> SqliteSession::count_by_state() {
  StateCounts counts;
  Statement query(db_, "SELECT status, count(*) FROM job GROUP BY status");
  FFRTMP_TRY(query.begin());
  while (true) {
    FFRTMP_ASSIGN(const bool row, query.step());
    if (!row) return counts;
    model::JobState state{};
    if (const Status read = read_value(query, 0, state))
      counts[state] = query.integer(1);
    else
      log::error("jobs are not counted", {{"reason", cat("table job, column status: ", read.error().message)}});
  }
}

void SqliteSession::forget_visitors() {
  for (const std::int64_t sequence : visitors_)
    if (const auto known = jobs_.find(sequence); known != jobs_.end() && !model::is_live(known->second.job->now.status))
      jobs_.erase(known);
  visitors_.clear();
}

// ---- queue ----

Result<ClassId> SqliteSession::intern_class(const model::Requirement& need) {
  std::string text = json::encode(need);
  if (const auto known = class_by_text_.find(text); known != class_by_text_.end()) return known->second;
  FFRTMP_TRY(will_write());
  FFRTMP_TRY(bind_all(insert_class_, text));
  FFRTMP_ASSIGN(const bool row, insert_class_.step());
  if (!row) return make_error(Errc::kStoreUnavailable, "a class got no id");
  const ClassId id = insert_class_.integer(0);
  FFRTMP_TRY(insert_class_.run());
  class_at_[id] = classes_.size();
  classes_.push_back({id, need, 0});
  class_by_text_.emplace(std::move(text), id);
  return id;
}

Status SqliteSession::enqueue(const QueueEntry& entry) {
  FFRTMP_TRY(will_write());
  FFRTMP_TRY(run(enqueue_, entry.class_id, entry.key, entry.sequence));
  count_waiting(entry.class_id, 1);
  return {};
}

Status SqliteSession::dequeue(const QueueEntry& entry) {
  FFRTMP_TRY(will_write());
  FFRTMP_TRY(run(dequeue_, entry.class_id, entry.key, entry.sequence));
  if (db_.changed_rows() == 0) return dequeue_wherever(entry.sequence);
  count_waiting(entry.class_id, -1);
  return {};
}

// A job that a master with another --aging queued stands under another key. An entry that stayed would be claimed, and
// refused, for ever. Reads the whole queue.
Status SqliteSession::dequeue_wherever(std::int64_t sequence) {
  FFRTMP_TRY(bind_all(dequeue_wherever_, sequence));
  while (true) {
    FFRTMP_ASSIGN(const bool row, dequeue_wherever_.step());
    if (!row) return {};
    count_waiting(dequeue_wherever_.integer(0), -1);
  }
}

Status SqliteSession::set_aside(std::int64_t sequence) {
  FFRTMP_TRY(will_write());
  FFRTMP_TRY(dequeue_wherever(sequence));
  return run(forget_retry_, sequence);
}

Result<std::vector<QueueEntry>> SqliteSession::head(ClassId class_id, int limit) {
  std::vector<QueueEntry> entries;
  FFRTMP_TRY(bind_all(head_, class_id, limit));
  while (true) {
    FFRTMP_ASSIGN(const bool row, head_.step());
    if (!row) return entries;
    entries.push_back({class_id, head_.integer(0), head_.integer(1)});
  }
}

Result<std::vector<std::int64_t>> SqliteSession::due_retries(UtcTime now, int limit) {
  std::vector<std::int64_t> due;
  FFRTMP_TRY(bind_all(due_retries_, now, limit));
  while (true) {
    FFRTMP_ASSIGN(const bool row, due_retries_.step());
    if (!row) return due;
    due.push_back(due_retries_.integer(0));
  }
}

// ---- attempts ----

Status SqliteSession::insert_attempt(const Attempt& attempt) {
  FFRTMP_TRY(will_write());
  FFRTMP_TRY(run(insert_attempt_, key_of(attempt), attempt.id, attempt.job_sequence, attempt.number, attempt.node_id,
                 attempt.claim_id, attempt.claimed_at, attempt.session_device));
  live_attempts_.insert_or_assign(attempt.id, attempt);
  note_claim(attempt);
  return {};
}

void SqliteSession::note_claim(const Attempt& attempt) {
  std::deque<MadeByClaim>& made = claims_[attempt.node_id];
  if (made.empty() || made.back().claim_id != attempt.claim_id) made.push_back({attempt.claim_id, {}});
  made.back().attempts.push_back(attempt.id);
  if (made.size() > kClaimsKept) made.pop_front();
}

Result<std::vector<Attempt>> SqliteSession::read_attempts(Statement& query) {
  const QueryScope scope(query);
  std::vector<Attempt> attempts;
  while (true) {
    FFRTMP_ASSIGN(const bool row, query.step());
    if (!row) return attempts;
    FFRTMP_TRY(read_attempt(query, attempts.emplace_back()));
  }
}

Result<std::optional<Attempt>> SqliteSession::find_attempt(const Uuid& id) {
  if (const auto known = live_attempts_.find(id); known != live_attempts_.end()) return std::optional(known->second);
  FFRTMP_TRY(bind_all(attempt_by_id_, id));
  FFRTMP_ASSIGN(auto found, read_attempts(attempt_by_id_));
  if (found.empty()) return std::optional<Attempt>();
  return std::optional(std::move(found.front()));
}

Status SqliteSession::update_attempt(const Attempt& attempt) {
  FFRTMP_TRY(will_write());
  if (attempt.state == model::AttemptState::kLive) {
    live_attempts_.insert_or_assign(attempt.id, attempt);
    return run(update_attempt_, key_of(attempt), attempt.started_at, attempt.grant);
  }
  live_attempts_.erase(attempt.id);
  return run(end_attempt_, key_of(attempt), attempt.state, attempt.started_at, attempt.ended_at, attempt.result,
             attempt.reply_status, attempt.reply_retry_at);
}

Result<std::vector<Attempt>> SqliteSession::attempts_of_claim(const Uuid& node_id, const Uuid& claim_id) {
  std::vector<Attempt> attempts;
  const auto known = claims_.find(node_id);
  if (known == claims_.end()) return attempts;
  for (const MadeByClaim& made : known->second) {
    if (made.claim_id != claim_id) continue;
    for (const Uuid& id : made.attempts) {
      FFRTMP_ASSIGN(auto attempt, find_attempt(id));
      if (attempt) attempts.push_back(*std::move(attempt));
    }
  }
  return attempts;
}

Result<std::vector<model::PublishGrant>> SqliteSession::grants_of_job(std::int64_t job_sequence) {
  std::vector<model::PublishGrant> grants;
  const std::int64_t first = job_sequence << kAttemptBits;
  FFRTMP_TRY(bind_all(grants_, first, first + (1 << kAttemptBits) - 1));
  const QueryScope scope(grants_);
  while (true) {
    FFRTMP_ASSIGN(const bool row, grants_.step());
    if (!row) return grants;
    if (auto read = read_value(grants_, 0, grants.emplace_back()); !read)
      return std::move(read).error().within(cat("table attempt, a grant of job ", job_sequence));
  }
}

Result<std::vector<Attempt>> SqliteSession::live_attempts() {
  FFRTMP_TRY(
      bind_all(live_attempts_query_, model::JobState::kAssigned, model::JobState::kRunning, model::JobState::kPaused));
  std::vector<Attempt> attempts;
  while (true) {
    FFRTMP_ASSIGN(const bool row, live_attempts_query_.step());
    if (!row) break;
    Attempt attempt;
    if (const Status read = read_attempt(live_attempts_query_, attempt))
      attempts.push_back(std::move(attempt));
    else
      log::error("a damaged attempt is left out", {{"reason", read.error().message}});
  }
  const auto by_claim = [](const Attempt& a) { return std::tie(a.claimed_at, a.claim_id); };
  std::ranges::sort(attempts, {}, by_claim);  // of more claims than are kept, the last are the ones that may come again
  claims_.clear();
  for (const Attempt& attempt : attempts) note_claim(attempt);
  return attempts;
}

Result<std::vector<std::int64_t>> SqliteSession::live_jobs() {
  std::vector<std::int64_t> sequences;
  FFRTMP_TRY(bind_all(live_jobs_, model::JobState::kAssigned, model::JobState::kRunning, model::JobState::kPaused));
  while (true) {
    FFRTMP_ASSIGN(const bool row, live_jobs_.step());
    if (!row) return sequences;
    sequences.push_back(live_jobs_.integer(0));
  }
}

Status SqliteSession::put_progress(std::int64_t job_sequence, const model::Progress& progress) {
  FFRTMP_TRY(will_write());
  return run(put_progress_, job_sequence, progress);
}

// ---- nodes, keys ----

Status SqliteSession::put_node(const Node& node) {
  FFRTMP_TRY(will_write());
  FFRTMP_TRY(put_node_.begin());
  bind_row(put_node_, 1, node);
  return put_node_.run();
}

Result<std::optional<Node>> SqliteSession::find_node(const Uuid& id) {
  FFRTMP_TRY(bind_all(node_by_id_, id));
  FFRTMP_ASSIGN(const bool row, node_by_id_.step());
  if (!row) return std::optional<Node>();
  const QueryScope scope(node_by_id_);
  Node node;
  FFRTMP_TRY(read_node(node_by_id_, node));
  return std::optional(std::move(node));
}

Result<std::vector<Node>> SqliteSession::nodes() {
  FFRTMP_TRY(nodes_.begin());
  return read_nodes(nodes_);
}

Result<std::optional<IdempotencyRow>> SqliteSession::find_idempotency(const std::string& owner,
                                                                      const std::string& key) {
  FFRTMP_TRY(bind_all(find_idempotency_, owner, key));
  FFRTMP_ASSIGN(const bool row, find_idempotency_.step());
  if (!row) return std::optional<IdempotencyRow>();
  IdempotencyRow found;
  found.job_sequence = find_idempotency_.integer(0);
  found.body_sha256 = find_idempotency_.text(1);
  found.created_at = UtcTime(std::chrono::microseconds(find_idempotency_.integer(2)));
  find_idempotency_.reset();
  return std::optional(std::move(found));
}

Status SqliteSession::put_idempotency(const std::string& owner, const std::string& key, const IdempotencyRow& row) {
  FFRTMP_TRY(will_write());
  return run(put_idempotency_, owner, key, row.job_sequence, row.body_sha256, row.created_at);
}

Status SqliteSession::expire_idempotency(UtcTime before) {
  FFRTMP_TRY(bind_all(expired_keys_, before));
  FFRTMP_ASSIGN(const bool any, expired_keys_.step());
  expired_keys_.reset();
  if (!any) return {};
  FFRTMP_TRY(will_write());
  return run(expire_idempotency_, before);
}

Status SqliteSession::put_key(const KeyRecord& key) {
  FFRTMP_TRY(will_write());
  FFRTMP_TRY(put_key_.begin());
  bind_row(put_key_, 1, key);
  return put_key_.run();
}

}  // namespace ffrtmp::store
