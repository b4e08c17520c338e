#pragma once
// Moves the write-ahead log into the database on a thread of its own, so that the writer does not wait for it. One pass
// covers what had been committed when it began; the writer finishes the little that came since, and the log starts
// over.
//
//   writer: commit ── log long? ──> wake() ...commits go on... pass_ended()? ──> own short pass; log restarts
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "store/sqlite_db.h"

namespace ffrtmp::store {

class SqliteCheckpointer {
 public:
  explicit SqliteCheckpointer(Database db);
  ~SqliteCheckpointer();  // ends the pass under way
  SqliteCheckpointer(const SqliteCheckpointer&) = delete;
  SqliteCheckpointer& operator=(const SqliteCheckpointer&) = delete;

  // Asks for a pass, unless one is under way.
  void wake();
  // True once after each pass.
  [[nodiscard]] bool pass_ended();

 private:
  void run();

  Database db_;
  std::mutex mutex_;
  std::condition_variable work_;
  bool wanted_ = false;
  bool ended_ = false;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace ffrtmp::store
