#include "store/sqlite_reader.h"

#include "base/log.h"
#include "store/sqlite_jobs.h"
#include "store/sqlite_row.h"
#include "store/sqlite_schema.h"
#include "store/views.h"

namespace ffrtmp::store {
namespace {

// Collects the conditions of a job list with their values, in the order of the placeholders.
class Conditions {
 public:
  template <class T>
  void equal(std::string_view column, const std::optional<T>& wanted) {
    if (wanted) add(cat(column, "=?"), *wanted);
  }
  template <class T>
  void add(std::string text, T value) {
    literal(text);
    binders_.push_back([value = std::move(value)](Statement& s, int at) { bind_value(s, at, value); });
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  void literal(std::string_view text) {
    text_ += text_.empty() ? "WHERE " : " AND ";
    text_ += text;
  }
  void bind(Statement& s) const {
    int at = 0;
    for (const auto& binder : binders_) binder(s, ++at);
  }

 private:
  std::string text_;
  std::vector<std::function<void(Statement&, int)>> binders_;
};

std::string state_list(const std::vector<model::JobState>& states) {
  std::string list;
  for (const model::JobState state : states) list += cat(list.empty() ? "" : ",", static_cast<int>(state));
  return list;
}

bool in_status_index(const std::vector<model::JobState>& states) {
  return !states.empty() && std::none_of(states.begin(), states.end(), [](model::JobState s) {
    return s == model::JobState::kQueued || s == model::JobState::kCompleted;
  });
}

Conditions conditions_of(const JobFilter& filter, std::optional<std::int64_t> before_sequence) {
  Conditions where;
  if (before_sequence) where.add("job.sequence<?", *before_sequence);
  if (!filter.status.empty()) where.literal(cat("status IN (", state_list(filter.status), ")"));
  if (in_status_index(filter.status)) where.literal(kInStatusIndex);
  where.equal("queue", filter.queue);
  where.equal("priority", filter.priority);
  where.equal("engine", filter.engine);
  where.equal("classification", filter.classification);
  where.equal("scenario", filter.scenario);
  where.equal("node_id", filter.node_id);
  where.equal("owner", filter.owner);
  where.equal("failure_reason", filter.failure_reason);
  if (filter.created_after) where.add("created_at>?", *filter.created_after);
  if (filter.created_before) where.add("created_at<?", *filter.created_before);
  return where;
}

Result<JobView> read_view(const Statement& row, const LiveTable& live) {
  model::Job job;
  FFRTMP_TRY(read_job(row, job));
  std::optional<model::Progress> progress;
  if (const Status read = read_value(row, columns_of_job(), progress); !read) {
    log::error("a damaged progress is left out",
               {{"reason", cat("table progress, job ", job.sequence_number, ": ", read.error().message)}});
    progress.reset();
  }
  return make_view(std::move(job), std::move(progress), live);
}

template <class T>
Result<std::vector<T>> read_all(Statement& query, Status (*read)(const Statement&, T&)) {
  const QueryScope scope(query);
  std::vector<T> rows;
  while (true) {
    FFRTMP_ASSIGN(const bool row, query.step());
    if (!row) return rows;
    FFRTMP_TRY(read(query, rows.emplace_back()));
  }
}

template <class T>
Status from_first(const Statement& row, T& out) {
  return read_row(row, 0, out);
}

Status read_transition(const Statement& row, model::Transition& transition) {
  auto read = read_row(row, 0, transition);
  if (read) return read;
  return std::move(read).error().within(cat("table transition, ordinal ", row.integer(kColumns<model::Transition>)));
}

}  // namespace

SqliteReader::SqliteReader(Database db, const LiveTable& live)
    : db_(std::move(db)),
      live_(live),
      begin_(db_, "BEGIN"),
      end_(db_, "COMMIT"),
      job_by_sequence_(db_, select_jobs_with_progress() + "WHERE job.sequence=?1"),
      job_by_id_(db_, select_jobs_with_progress() + "WHERE job.sequence=(SELECT sequence FROM job_spec WHERE id=?1)"),
      transitions_(db_,
                   cat("WITH RECURSIVE history AS (SELECT * FROM transition WHERE ordinal=?1 UNION ALL SELECT"
                       " transition.* FROM history JOIN transition ON transition.ordinal=history.previous) SELECT ",
                       columns<model::Transition>(), ", ordinal FROM history ORDER BY ordinal")),
      attempts_(db_, select_attempts() + "WHERE key BETWEEN ?1 AND ?2 ORDER BY key"),
      nodes_(db_, cat("SELECT ", columns<model::Node>(), " FROM node ORDER BY registered_at, id")),
      keys_(db_, cat("SELECT ", columns<KeyRecord>(), " FROM api_key ORDER BY id")) {}

Result<std::optional<JobDetail>> SqliteReader::job(const JobRef& ref) {
  FFRTMP_TRY(run(begin_));  // one snapshot for all that belongs to the job
  auto detail = read_detail(ref);
  FFRTMP_TRY(run(end_));
  return detail;
}

Result<std::optional<JobDetail>> SqliteReader::read_detail(const JobRef& ref) {
  const auto* id = std::get_if<Uuid>(&ref);
  Statement& query = id != nullptr ? job_by_id_ : job_by_sequence_;
  if (id != nullptr)
    FFRTMP_TRY(bind_all(query, *id));
  else
    FFRTMP_TRY(bind_all(query, std::get<std::int64_t>(ref)));
  FFRTMP_ASSIGN(const bool row, query.step());
  if (!row) return std::optional<JobDetail>();
  auto view = read_view(query, live_);
  const std::int64_t last_transition = query.integer(columns_of_job() + 1);
  query.reset();
  if (!view) return std::move(view).error();
  JobDetail detail{*std::move(view), {}, {}};
  const std::int64_t sequence = detail.view.job.sequence_number;
  FFRTMP_TRY(bind_all(transitions_, last_transition));
  FFRTMP_ASSIGN(detail.transitions, read_all(transitions_, &read_transition));
  const std::int64_t first = sequence << kAttemptBits;
  FFRTMP_TRY(bind_all(attempts_, first, first + (1 << kAttemptBits) - 1));
  FFRTMP_ASSIGN(detail.attempts, read_all(attempts_, &read_attempt));
  return std::optional(std::move(detail));
}

Result<JobPage> SqliteReader::list_jobs(const JobFilter& filter, std::optional<std::int64_t> before_sequence,
                                        int limit) {
  const Conditions where = conditions_of(filter, before_sequence);
  Statement query(db_, cat(select_jobs_with_progress(), where.text(), " ORDER BY job.sequence DESC LIMIT ", limit + 1));
  FFRTMP_TRY(query.begin());
  where.bind(query);
  JobPage page;
  std::int64_t last = 0;
  for (int rows = 0;; ++rows) {
    FFRTMP_ASSIGN(const bool row, query.step());
    if (!row) return page;
    if (rows == limit) {
      page.next_before_sequence = last;
      return page;
    }
    last = query.integer(0);
    if (auto view = read_view(query, live_))
      page.jobs.push_back(*std::move(view));
    else if (view.error().code == Errc::kCorrupt)
      log::error("a damaged job is left out of a list", {{"reason", view.error().message}});
    else
      return std::move(view).error();
  }
}

Result<std::vector<model::Node>> SqliteReader::nodes() {
  FFRTMP_TRY(nodes_.begin());
  return read_nodes(nodes_);
}

Result<std::vector<SlaCount>> SqliteReader::sla_counts(std::optional<UtcTime> from, std::optional<UtcTime> to) {
  Conditions where;
  where.literal("sla_verdict IS NOT NULL");
  if (from) where.add("completed_at>=?", *from);
  if (to) where.add("completed_at<?", *to);
  constexpr std::string_view kGroup = "scenario, queue, classification, sla_verdict, sla_reason, sla_counts";
  Statement query(db_, cat("SELECT ", kGroup, ", count(*) FROM job CROSS JOIN job_spec USING(sequence) ", where.text(),
                           " GROUP BY ", kGroup, " ORDER BY ", kGroup));
  FFRTMP_TRY(query.begin());
  where.bind(query);
  return read_all(query, &from_first<SlaCount>);
}

Result<std::vector<KeyRecord>> SqliteReader::keys() {
  FFRTMP_TRY(keys_.begin());
  return read_all(keys_, &from_first<KeyRecord>);
}

std::unique_ptr<SqliteReader> ReaderPool::take() {
  std::unique_lock lock(mutex_);
  freed_.wait(lock, [this] { return !free_.empty(); });
  std::unique_ptr<SqliteReader> reader = std::move(free_.back());
  free_.pop_back();
  return reader;
}

void ReaderPool::give(std::unique_ptr<SqliteReader> reader) {
  {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(reader));
  }
  freed_.notify_one();
}

}  // namespace ffrtmp::store
