#pragma once
// A thin hold of SQLite: a connection and its prepared statements, errors as Result. Every failure is
// kStoreUnavailable: to the rules above, a store either works or does not. One thread at a time.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace ffrtmp::store {

class Database {
 public:
  enum class Mode { kWriter, kReader };

  // Opens with the pragmas of its mode. The file exists already (create_private_file).
  [[nodiscard]] static Result<Database> open(const std::string& path, Mode mode);
  Database(Database&& other) noexcept;
  Database& operator=(Database&&) = delete;
  ~Database();

  // Moves what it can of the log into the database without waiting for anybody.
  Status checkpoint();
  // Calls `hook` with the length of the log, in pages, after each commit of this connection.
  void on_commit(int (*hook)(void* context, sqlite3*, const char*, int pages), void* context);

  // One or more statements without parameters or rows.
  Status execute(const char* sql);
  // Rows that the last statement changed.
  [[nodiscard]] int changed_rows() const;
  // The failure of the last call, with what was tried.
  [[nodiscard]] Error error(std::string_view what) const;
  [[nodiscard]] sqlite3* handle() const { return handle_; }

 private:
  explicit Database(sqlite3* handle) : handle_(handle) {}
  sqlite3* handle_;
};

// A prepared statement, prepared when it is first used and kept. Parameters are numbered from 1, columns from 0.
class Statement {
 public:
  Statement(Database& db, std::string sql) : db_(db), sql_(std::move(sql)) {}
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Resets what came before; call before binding.
  Status begin();
  void bind(int at, std::int64_t value);
  void bind(int at, double value);
  // Not copied: must live until the statement is stepped to its end.
  void bind_text(int at, std::string_view text);
  void bind_text_copy(int at, std::string_view text);
  void bind_blob(int at, const void* data, std::size_t size);
  void bind_null(int at);

  // True: a row stands ready. False: the end, and the statement is reset.
  [[nodiscard]] Result<bool> step();
  // Steps to the end.
  Status run();
  // Ends a query before its last row, releasing its snapshot.
  void reset();

  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] std::string_view text(int column) const;  // valid until the next step
  [[nodiscard]] std::string_view blob(int column) const;

 private:
  Database& db_;
  std::string sql_;
  sqlite3_stmt* handle_ = nullptr;
};

// Ends a query with the block that reads it, also where a row cannot be read: one left open would keep its connection
// at the snapshot it began with, and the log from being shortened.
class QueryScope {
 public:
  explicit QueryScope(Statement& query) : query_(query) {}
  ~QueryScope() { query_.reset(); }
  QueryScope(const QueryScope&) = delete;
  QueryScope& operator=(const QueryScope&) = delete;

 private:
  Statement& query_;
};

}  // namespace ffrtmp::store
