#pragma once
// The columns of jobs, attempts and nodes, as the writer and the readers select them, and reading them back.
#include <string>
#include <vector>

#include "model/attempt.h"
#include "model/job.h"
#include "model/node.h"
#include "store/sqlite_db.h"

namespace ffrtmp::store {

// SELECT … FROM job CROSS JOIN job_spec, with the columns that read_job wants and the ordinal of the last transition
// behind; WHERE and so on are added to it.
// CROSS JOIN: job_spec is only ever looked up by its sequence.
[[nodiscard]] std::string select_jobs();
// The same, with the body of progress and the ordinal of the last transition behind.
[[nodiscard]] std::string select_jobs_with_progress();
// The readers of rows. kCorrupt names the table and the row.
Status read_job(const Statement& row, model::Job& job);
// SELECT … FROM attempt, with the columns of model::Attempt in their order, for read_attempt.
[[nodiscard]] std::string select_attempts();
Status read_attempt(const Statement& row, model::Attempt& attempt);
// The columns of model::Node in their order.
Status read_node(const Statement& row, model::Node& node);
// All that a query brings; those that cannot be read are left out, with a word to the operator.
Result<std::vector<model::Node>> read_nodes(Statement& query);
// First column behind those of read_job.
[[nodiscard]] int columns_of_job();

}  // namespace ffrtmp::store
