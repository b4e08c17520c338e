#pragma once
// One command's change of one job: first planned in memory, where it may be refused, then written as a whole.
#include <optional>
#include <string>
#include <vector>

#include "model/attempt.h"
#include "model/job_fsm.h"
#include "store/apply.h"

namespace ffrtmp::store {

// Who changes a job and why; both are recorded.
struct Cause {
  std::string reason;  // "claimed", "lease expired", …
  std::string actor;   // "key:NAME", "node:UUID" or "master"
  std::optional<Uuid> attempt_id;
};
[[nodiscard]] Cause by_node(std::string reason, const Uuid& node_id, const Uuid& attempt_id);
[[nodiscard]] Cause by_master(std::string reason, std::optional<Uuid> attempt_id = std::nullopt);

class JobChange {
 public:
  JobChange(JobPtr job, const Now& now);

  // The next state by model::step, with the times and fields that belong to it. kIllegalTransition changes nothing.
  Status step(model::Event event, Cause cause);
  // The queue entry, where the caller knows it already: saves looking the class up.
  void set_entry(const QueueEntry& entry) { entry_ = entry; }

  // What the job ended by, where there is more to say than its state; outlives the change.
  void set_result(const model::AttemptResult& result) { result_ = &result; }

  [[nodiscard]] model::JobStatus& now() { return now_; }
  [[nodiscard]] const model::JobStatus& now() const { return now_; }
  [[nodiscard]] const model::Job& before() const { return *job_; }
  // The job after the change.
  [[nodiscard]] model::Job job() const;

  // Writes the job, its transitions and its place in the queue, and notes them in context.effects.
  Status write(Tx& tx, ApplyContext& context);

 private:
  Status move_in_queue(Tx& tx, ApplyContext& context);
  // Once an end: whether the platform kept its promise.
  void judge(ApplyContext& context);

  JobPtr job_;
  model::JobState from_;
  model::JobStatus now_;
  UtcTime time_;
  std::vector<model::Transition> transitions_;
  std::optional<QueueEntry> entry_;
  const model::AttemptResult* result_ = nullptr;
};

[[nodiscard]] Result<QueueEntry> queue_entry_of(Tx& tx, const model::Job& job, const Settings& settings);

}  // namespace ffrtmp::store
