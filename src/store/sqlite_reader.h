#pragma once
// Queries on a connection of their own: a snapshot that never waits for the writer. One thread at a time; ReaderPool
// hands a free one to each.
#include <condition_variable>
#include <memory>
#include <mutex>

#include "store/live_table.h"
#include "store/sqlite_db.h"
#include "store/store.h"

namespace ffrtmp::store {

class SqliteReader {
 public:
  SqliteReader(Database db, const LiveTable& live);

  Result<std::optional<JobDetail>> job(const JobRef& ref);
  Result<JobPage> list_jobs(const JobFilter& filter, std::optional<std::int64_t> before_sequence, int limit);
  Result<std::vector<model::Node>> nodes();
  Result<std::vector<KeyRecord>> keys();
  Result<std::vector<SlaCount>> sla_counts(std::optional<UtcTime> from, std::optional<UtcTime> to);

 private:
  Result<std::optional<JobDetail>> read_detail(const JobRef& ref);

  Database db_;
  const LiveTable& live_;
  Statement begin_, end_, job_by_sequence_, job_by_id_, transitions_, attempts_, nodes_, keys_;
};

class ReaderPool {
 public:
  void add(std::unique_ptr<SqliteReader> reader) { free_.push_back(std::move(reader)); }

  // Runs `query` with a reader of its own, waiting for a free one.
  template <class Query>
  auto with(Query query) {
    std::unique_ptr<SqliteReader> reader = take();
    auto result = query(*reader);
    give(std::move(reader));
    return result;
  }

 private:
  std::unique_ptr<SqliteReader> take();
  void give(std::unique_ptr<SqliteReader> reader);

  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::unique_ptr<SqliteReader>> free_;
};

}  // namespace ffrtmp::store
