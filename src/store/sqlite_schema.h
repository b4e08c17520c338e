#pragma once
// The database file and its migrations. Columns of a described struct bear its members' names (sqlite_row.h).
//
//   job          one small row a job: JobStatus. All that changes often        sequence (never reused)
//   job_spec     the rest of the job, written once                             sequence; unique id
//   transition   history of states: each row names the one before it, the job  ordinal
//                names the last; rows are only ever appended, unindexed
//   progress     the last progress that was saved                              sequence
//   attempt      every start of a job, with its claim and grant                key = sequence << 24 | number; id
//   attempt_end  how it ended; without a row here it lives                     key
//   requirement  what a class of jobs needs, as JSON                           id
//   queue        waiting jobs, the only rows that a claim looks for            class, key, sequence
//   node         machines, with what they can do                               id
//   idempotency  keys of the last day                                          owner, key; created_at
//   api_key      hashed keys                                                   id
//   probe        one row, written by the readiness check
//
//   A row of job grows when it is claimed. `spare` holds that room from the start, so that pages packed full of waiting
//   jobs need not be split again.
//
//   master.db (0600)   master.db-wal, master.db-shm (SQLite gives them the same mode)
//   master.db.lock     one master a file
#include "store/sqlite_db.h"

namespace ffrtmp::store {

// The index by status holds the few: neither what waits nor what is done. A query uses it by saying this word for word.
inline constexpr const char* kInStatusIndex = "status NOT IN (0, 5)";

// Room for the number of an attempt in its key: 16 million attempts of 500 thousand million jobs.
inline constexpr int kAttemptBits = 24;

// The key of the number-th attempt of a job.
[[nodiscard]] constexpr std::int64_t attempt_key(std::int64_t job_sequence, int number) {
  return (job_sequence << kAttemptBits) | number;
}

// Brings the file to this program's schema, one transaction a step; PRAGMA user_version counts the steps done. A file
// of a newer program is refused.
Status migrate(Database& db);

// Creates the file with mode 0600, or narrows the mode of one that is there, whatever the umask.
Status create_private_file(const std::string& path);

}  // namespace ffrtmp::store
