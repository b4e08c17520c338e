#include "store/sqlite_jobs.h"

#include "store/sqlite_row.h"

namespace ffrtmp::store {
namespace {

constexpr int kCold = 1 + kColumns<model::JobStatus>;
constexpr int kColdColumns = 6;

}  // namespace

std::string select_jobs() {
  return cat("SELECT job.sequence, ", columns<model::JobStatus>(),
             ", id, owner, created_at, spec, effective, scenario_parsed, progress.body FROM job CROSS JOIN job_spec"
             " USING(sequence) LEFT JOIN progress USING(sequence) ");
}

int columns_of_job() { return kCold + kColdColumns; }

Result<model::Job> read_job(const Statement& row) {
  model::Job job;
  job.sequence_number = row.integer(0);
  FFRTMP_TRY(read_row(row, 1, job.now));
  FFRTMP_TRY(read_value(row, kCold, job.id));
  FFRTMP_TRY(read_value(row, kCold + 1, job.owner));
  FFRTMP_TRY(read_value(row, kCold + 2, job.created_at));
  FFRTMP_TRY(read_value(row, kCold + 3, job.spec));
  FFRTMP_TRY(read_value(row, kCold + 4, job.effective));
  FFRTMP_TRY(read_value(row, kCold + 5, job.scenario_parsed));
  return job;
}

}  // namespace ffrtmp::store
