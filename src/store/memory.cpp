#include <shared_mutex>
#include <tuple>

#include "store/memory_rows.h"
#include "store/store.h"
#include "store/views.h"
#include "store/writer.h"

namespace ffrtmp::store {
namespace {

// A group holds the lock from its first write to its end, so that readers see whole groups only.
class LockedSession final : public MemorySession {
 public:
  LockedSession(MemoryData& data, std::shared_mutex& mutex) : MemorySession(data), mutex_(mutex) {}

 private:
  void begin() override { mutex_.lock(); }
  void end() override { mutex_.unlock(); }

  std::shared_mutex& mutex_;
};

class MemoryStore final : public Store {
 public:
  MemoryStore(const Settings& settings, const Clock& clock, IdSource& ids)
      : settings_(settings), clock_(clock), session_(data_, mutex_), writer_(session_, live_, settings, clock, ids) {
    // Nothing is stored yet: loading cannot fail.
    static_cast<void>(writer_.start());
  }

  void apply(Command command, Done done) override { writer_.apply(std::move(command), std::move(done)); }
  void set_listener(Listener listener) override { writer_.set_listener(std::move(listener)); }
  Result<std::optional<JobDetail>> job(const JobRef& ref) override;
  Result<JobPage> list_jobs(const JobFilter& filter, std::optional<std::int64_t> before_sequence, int limit) override;
  Result<std::vector<NodeView>> nodes() override;
  Result<std::vector<KeyRecord>> keys() override;
  Result<std::vector<SlaCount>> sla_counts(std::optional<UtcTime> from, std::optional<UtcTime> to) override;
  Result<std::map<model::JobState, std::int64_t>> count_by_state() override { return live_.counts(); }
  Status check() override { return writer_.probe(); }

 private:
  const Settings settings_;
  const Clock& clock_;
  std::shared_mutex mutex_;
  MemoryData data_;
  LiveTable live_;
  LockedSession session_;
  Writer writer_;
};

Result<std::optional<JobDetail>> MemoryStore::job(const JobRef& ref) {
  const std::shared_lock lock(mutex_);
  FFRTMP_ASSIGN(const auto job, session_.find_job(ref));
  if (!job) return std::optional<JobDetail>();
  const auto& row = data_.jobs.at(job->sequence_number);
  JobDetail detail{make_view(*row.job, row.progress, live_), row.transitions, {}};
  for (const Uuid& id : row.attempts) detail.attempts.push_back(data_.attempts.at(id));
  return std::optional(std::move(detail));
}

Result<JobPage> MemoryStore::list_jobs(const JobFilter& filter, std::optional<std::int64_t> before_sequence,
                                       int limit) {
  const std::shared_lock lock(mutex_);
  JobPage page;
  const auto end = before_sequence ? data_.jobs.lower_bound(*before_sequence) : data_.jobs.end();
  for (auto at = end; at != data_.jobs.begin();) {
    const auto& row = (--at)->second;
    if (!matches(filter, *row.job)) continue;
    if (static_cast<int>(page.jobs.size()) == limit) {
      page.next_before_sequence = page.jobs.back().job.sequence_number;
      break;
    }
    page.jobs.push_back(make_view(*row.job, row.progress, live_));
  }
  return page;
}

Result<std::vector<NodeView>> MemoryStore::nodes() {
  const std::shared_lock lock(mutex_);
  std::vector<NodeView> out;
  for (const auto& [id, node] : data_.nodes)
    out.push_back(make_node_view(node, live_, clock_.now().boot, settings_.intervals));
  return out;
}

Result<std::vector<KeyRecord>> MemoryStore::keys() {
  const std::shared_lock lock(mutex_);
  std::vector<KeyRecord> out;
  for (const auto& [id, key] : data_.keys) out.push_back(key);
  return out;
}

Result<std::vector<SlaCount>> MemoryStore::sla_counts(std::optional<UtcTime> from, std::optional<UtcTime> to) {
  const std::shared_lock lock(mutex_);
  using Key = std::tuple<std::string, model::Queue, std::optional<model::Classification>, model::SlaVerdict, std::string, bool>;
  std::map<Key, std::int64_t> counts;
  for (const auto& [sequence, row] : data_.jobs) {
    const model::JobStatus& now = row.job->now;
    const model::JobSpec& spec = row.job->spec;
    if (!now.sla_verdict || !now.completed_at) continue;
    if ((from && *now.completed_at < *from) || (to && *now.completed_at >= *to)) continue;
    ++counts[{spec.scenario, spec.queue, spec.classification, *now.sla_verdict, now.sla_reason, now.sla_counts}];
  }
  std::vector<SlaCount> out;
  for (const auto& [key, jobs] : counts) {
    const auto& [scenario, queue, classification, verdict, reason, in_rate] = key;
    out.push_back({scenario, queue, classification, verdict, reason, in_rate, jobs});
  }
  return out;
}

}  // namespace

std::unique_ptr<Store> open_memory_store(const Settings& settings, const Clock& clock, IdSource& ids) {
  return std::make_unique<MemoryStore>(settings, clock, ids);
}

}  // namespace ffrtmp::store
