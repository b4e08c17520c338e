#include "store/sqlite_db.h"

#include <sqlite3.h>

#include <mutex>
#include <utility>

#include "base/text.h"
#include "store/sqlite_log_file.h"

namespace ffrtmp::store {
namespace {

// FULL: a commit is on the disk before it is answered. The page cache is for the working set of the queue. When to
// checkpoint is decided by SqliteSession.
constexpr const char* kWriterPragmas =
    "PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;"
    "PRAGMA wal_autocheckpoint=0; PRAGMA temp_store=MEMORY;";
constexpr const char* kReaderPragmas = "PRAGMA busy_timeout=5000; PRAGMA query_only=ON; PRAGMA cache_size=-8192;";

// SQLite's count of its own memory takes a global lock at every allocation.
void configure_once() {
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
}

}  // namespace

Result<Database> Database::open(const std::string& path, Mode mode) {
  configure_once();
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int rc = sqlite3_open_v2(path.c_str(), &handle, flags, mode == Mode::kWriter ? gathering_file_system() : nullptr);
  Database db(handle);
  if (rc != SQLITE_OK) return db.error(cat("open ", path));
  if (auto done = db.execute(mode == Mode::kWriter ? kWriterPragmas : kReaderPragmas); !done)
    return std::move(done).error().within(path);
  return db;
}

Database::Database(Database&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
Database::~Database() { sqlite3_close_v2(handle_); }

Status Database::execute(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return error("execute");
}

Status Database::checkpoint() {
  const int rc = sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY) return {};  // busy: another pass is under way
  return error("checkpoint");
}

void Database::on_commit(int (*hook)(void*, sqlite3*, const char*, int), void* context) {
  sqlite3_wal_hook(handle_, hook, context);
}

int Database::changed_rows() const { return sqlite3_changes(handle_); }

Error Database::error(std::string_view what) const {
  return Error{Errc::kStoreUnavailable, sqlite3_system_errno(handle_), cat(what, ": ", sqlite3_errmsg(handle_)), {}};
}

Statement::~Statement() { sqlite3_finalize(handle_); }

Status Statement::begin() {
  if (handle_ != nullptr) {
    sqlite3_reset(handle_);
    return {};
  }
  const auto size = static_cast<int>(sql_.size()) + 1;
  if (sqlite3_prepare_v3(db_.handle(), sql_.c_str(), size, SQLITE_PREPARE_PERSISTENT, &handle_, nullptr) == SQLITE_OK)
    return {};
  return db_.error(sql_);
}

void Statement::bind(int at, std::int64_t value) { sqlite3_bind_int64(handle_, at, value); }
void Statement::bind(int at, double value) { sqlite3_bind_double(handle_, at, value); }
void Statement::bind_text(int at, std::string_view text) {
  sqlite3_bind_text64(handle_, at, text.data() == nullptr ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}
void Statement::bind_text_copy(int at, std::string_view text) {
  sqlite3_bind_text64(handle_, at, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}
void Statement::bind_blob(int at, const void* data, std::size_t size) {
  sqlite3_bind_blob64(handle_, at, data, size, SQLITE_STATIC);
}
void Statement::bind_null(int at) { sqlite3_bind_null(handle_, at); }

Result<bool> Statement::step() {
  const int rc = sqlite3_step(handle_);
  if (rc == SQLITE_ROW) return true;
  Result<bool> out(false);
  if (rc != SQLITE_DONE) out = db_.error("step");
  sqlite3_reset(handle_);
  return out;
}

Status Statement::run() {
  while (true) {
    FFRTMP_ASSIGN(const bool row, step());
    if (!row) return {};
  }
}

void Statement::reset() { sqlite3_reset(handle_); }

bool Statement::is_null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }
std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }
double Statement::real(int column) const { return sqlite3_column_double(handle_, column); }
std::string_view Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  return {data == nullptr ? "" : data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}
std::string_view Statement::blob(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  return {data == nullptr ? "" : data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

}  // namespace ffrtmp::store
