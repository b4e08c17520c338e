#include "store/sqlite_jobs.h"

#include "store/sqlite_row.h"

namespace ffrtmp::store {
namespace {

constexpr int kCold = 1 + kColumns<model::JobStatus>;
constexpr int kColdColumns = 6;
constexpr std::string_view kFrom = " FROM job CROSS JOIN job_spec USING(sequence) ";

std::string job_columns() {
  return cat("job.sequence, ", columns<model::JobStatus>(),
             ", id, owner, created_at, spec, effective, scenario_parsed");
}

Status read_columns(const Statement& row, model::Job& job) {
  FFRTMP_TRY(read_row(row, 1, job.now));
  FFRTMP_TRY(read_value(row, kCold, job.id));
  FFRTMP_TRY(read_value(row, kCold + 1, job.owner));
  FFRTMP_TRY(read_value(row, kCold + 2, job.created_at));
  FFRTMP_TRY(read_value(row, kCold + 3, job.spec));
  FFRTMP_TRY(read_value(row, kCold + 4, job.effective));
  return read_value(row, kCold + 5, job.scenario_parsed);
}

}  // namespace

std::string select_jobs() { return cat("SELECT ", job_columns(), ", last_transition", kFrom); }
std::string select_jobs_with_progress() {
  return cat("SELECT ", job_columns(), ", progress.body, last_transition", kFrom,
             "LEFT JOIN progress USING(sequence) ");
}

std::string select_attempts() {
  return "SELECT id, job_sequence, number, node_id, claim_id, coalesce(state, 0), claimed_at,"
         " coalesce(attempt.started_at, attempt_end.started_at), ended_at, \"grant\", result, reply_status, reply_retry_at,"
         " session_device"
         " FROM attempt LEFT JOIN attempt_end USING(key) ";
}

int columns_of_job() { return kCold + kColdColumns; }

Status read_job(const Statement& row, model::Job& job) {
  job.sequence_number = row.integer(0);
  if (auto read = read_columns(row, job); !read)
    return std::move(read).error().within(cat("job ", job.sequence_number));
  return {};
}

}  // namespace ffrtmp::store
