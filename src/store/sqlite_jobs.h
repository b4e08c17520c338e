#pragma once
// The columns of a whole job, as the writer and the readers select them, and reading them back.
#include <string>

#include "model/job.h"
#include "store/sqlite_db.h"

namespace ffrtmp::store {

// SELECT … FROM job CROSS JOIN job_spec, with the columns that read_job wants and the ordinal of the last transition
// behind; WHERE and so on are added to it.
// CROSS JOIN: job_spec is only ever looked up by its sequence.
[[nodiscard]] std::string select_jobs();
// The same, with the body of progress and the ordinal of the last transition behind.
[[nodiscard]] std::string select_jobs_with_progress();
Status read_job(const Statement& row, model::Job& job);
// SELECT … FROM attempt, with the columns of model::Attempt in their order, for read_row.
[[nodiscard]] std::string select_attempts();
// First column behind those of read_job.
[[nodiscard]] int columns_of_job();

}  // namespace ffrtmp::store
