#include "store/sqlite_jobs.h"

#include "base/log.h"
#include "store/sqlite_row.h"
#include "store/sqlite_schema.h"

namespace ffrtmp::store {
namespace {

constexpr int kCold = 1 + kColumns<model::JobStatus>;
constexpr int kColdColumns = 6;
constexpr std::string_view kFrom = " FROM job CROSS JOIN job_spec USING(sequence) ";

std::string job_columns() {
  return cat("job.sequence, ", columns<model::JobStatus>(),
             ", id, owner, created_at, spec, effective, scenario_parsed");
}

Status read_spec(const Statement& row, model::Job& job) {
  FFRTMP_TRY(read_value(row, kCold, job.id));
  FFRTMP_TRY(read_value(row, kCold + 1, job.owner));
  FFRTMP_TRY(read_value(row, kCold + 2, job.created_at));
  FFRTMP_TRY(read_value(row, kCold + 3, job.spec));
  FFRTMP_TRY(read_value(row, kCold + 4, job.effective));
  return read_value(row, kCold + 5, job.scenario_parsed);
}

// As SQL spells it.
std::string blob_literal(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = "x'";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 0xf];
  }
  return out += '\'';
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
  if (auto read = read_row(row, 1, job.now); !read)
    return std::move(read).error().within(cat("table job, job ", job.sequence_number));
  if (auto read = read_spec(row, job); !read)
    return std::move(read).error().within(cat("table job_spec, job ", job.sequence_number));
  return {};
}

Status read_attempt(const Statement& row, model::Attempt& attempt) {
  auto read = read_row(row, 0, attempt);
  if (read) return read;
  return std::move(read).error().within(cat("tables attempt, attempt_end, key ",
                                            attempt_key(row.integer(1), static_cast<int>(row.integer(2))), " (job ",
                                            row.integer(1), ", attempt ", row.integer(2), ")"));
}

Status read_node(const Statement& row, model::Node& node) {
  auto read = read_row(row, 0, node);
  if (read) return read;
  return std::move(read).error().within(cat("table node, id ", blob_literal(row.blob(0))));
}

Result<std::vector<model::Node>> read_nodes(Statement& query) {
  std::vector<model::Node> nodes;
  while (true) {
    FFRTMP_ASSIGN(const bool row, query.step());
    if (!row) return nodes;
    model::Node node;
    if (const Status read = read_node(query, node))
      nodes.push_back(std::move(node));
    else
      log::error("a damaged node is left out", {{"reason", read.error().message}});
  }
}

}  // namespace ffrtmp::store
