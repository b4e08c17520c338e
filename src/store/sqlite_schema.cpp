#include "store/sqlite_schema.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/text.h"

namespace ffrtmp::store {
namespace {

// A step is never changed once released; the next one is added behind it.
constexpr std::array kSteps{R"sql(
CREATE TABLE job(
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  status INTEGER NOT NULL, desired INTEGER, desired_version INTEGER NOT NULL, grace_seconds INTEGER,
  desired_actor TEXT NOT NULL, desired_reason TEXT NOT NULL, attempt_id BLOB, node_id BLOB,
  retry_count INTEGER NOT NULL, attempt_count INTEGER NOT NULL, attempts_before_retry INTEGER NOT NULL,
  next_retry_at INTEGER, avoid_node_id BLOB, queued_at INTEGER NOT NULL, assigned_at INTEGER, started_at INTEGER,
  completed_at INTEGER, last_activity_at INTEGER NOT NULL, failure_reason INTEGER, error TEXT NOT NULL,
  last_transition INTEGER NOT NULL, spare BLOB) STRICT;
CREATE INDEX job_status ON job(status) WHERE status NOT IN (0, 5);
CREATE INDEX job_next_retry ON job(next_retry_at) WHERE next_retry_at IS NOT NULL;
CREATE TABLE job_spec(
  sequence INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, owner TEXT NOT NULL, created_at INTEGER NOT NULL,
  queue INTEGER NOT NULL, priority INTEGER NOT NULL, engine INTEGER NOT NULL, classification INTEGER,
  scenario TEXT NOT NULL, spec TEXT NOT NULL, effective TEXT NOT NULL, scenario_parsed TEXT NOT NULL) STRICT;
CREATE TABLE transition(
  ordinal INTEGER PRIMARY KEY, previous INTEGER, job_sequence INTEGER NOT NULL, "from" INTEGER, "to" INTEGER NOT NULL,
  timestamp INTEGER NOT NULL, reason TEXT NOT NULL, actor TEXT NOT NULL, attempt_id BLOB) STRICT;
CREATE TABLE progress(sequence INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
CREATE TABLE attempt(
  key INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, job_sequence INTEGER NOT NULL, number INTEGER NOT NULL,
  node_id BLOB NOT NULL, claim_id BLOB NOT NULL, claimed_at INTEGER NOT NULL, started_at INTEGER, "grant" TEXT) STRICT;
CREATE TABLE attempt_end(
  key INTEGER PRIMARY KEY, state INTEGER NOT NULL, started_at INTEGER, ended_at INTEGER, result TEXT,
  reply_status INTEGER, reply_retry_at INTEGER) STRICT;
CREATE TABLE requirement(id INTEGER PRIMARY KEY, need TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE queue(
  class INTEGER NOT NULL, key INTEGER NOT NULL, sequence INTEGER NOT NULL,
  PRIMARY KEY(class, key, sequence)) STRICT, WITHOUT ROWID;
CREATE TABLE node(
  id BLOB PRIMARY KEY, instance_id BLOB NOT NULL, boot_id TEXT NOT NULL, facts TEXT NOT NULL,
  token_hash TEXT NOT NULL, draining INTEGER NOT NULL, registered_at INTEGER NOT NULL,
  last_heartbeat_at INTEGER NOT NULL) STRICT;
CREATE TABLE idempotency(
  owner TEXT NOT NULL, key TEXT NOT NULL, sequence INTEGER NOT NULL, body_sha256 TEXT NOT NULL,
  created_at INTEGER NOT NULL, PRIMARY KEY(owner, key)) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency(created_at);
CREATE TABLE api_key(
  id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, hash TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;
CREATE TABLE probe(id INTEGER PRIMARY KEY, value INTEGER NOT NULL) STRICT;
)sql",
                            R"sql(
ALTER TABLE job ADD COLUMN entered_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN queued_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN paused_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN sla_verdict INTEGER;
ALTER TABLE job ADD COLUMN sla_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN sla_counts INTEGER NOT NULL DEFAULT 0;
UPDATE job SET entered_at=last_activity_at;
)sql",
                            R"sql(
ALTER TABLE attempt ADD COLUMN session_device TEXT;
)sql"};

Result<std::int64_t> version_of(Database& db) {
  Statement query(db, "PRAGMA user_version");
  FFRTMP_TRY(query.begin());
  FFRTMP_ASSIGN(const bool row, query.step());
  return row ? query.integer(0) : 0;
}

}  // namespace

Status migrate(Database& db) {
  FFRTMP_ASSIGN(const std::int64_t done, version_of(db));
  if (done > static_cast<std::int64_t>(kSteps.size()))
    return make_error(Errc::kStoreUnavailable,
                      cat("the database has schema ", done, ", this program knows ", kSteps.size()));
  for (auto step = static_cast<std::size_t>(done); step < kSteps.size(); ++step) {
    const std::string sql = cat("BEGIN IMMEDIATE;", kSteps[step], "PRAGMA user_version=", step + 1, ";COMMIT;");
    if (Status status = db.execute(sql.c_str()); !status) {
      static_cast<void>(db.execute("ROLLBACK"));
      return std::move(status).error().within(cat("migration ", step + 1));
    }
  }
  return {};
}

Status create_private_file(const std::string& path) {
  const auto failed = [&](std::string_view call) {
    const int err = errno;
    return Error{Errc::kStoreUnavailable, err, sys_error(cat(call, " ", path), err).message, {}};
  };
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return failed("open");
  const int rc = ::fchmod(fd, 0600);
  Status status;
  if (rc != 0) status = failed("chmod");
  ::close(fd);
  return status;
}

}  // namespace ffrtmp::store
