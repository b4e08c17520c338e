#pragma once
// The master of the simulation: the real rules over the memory rows, with restarts and failing commits, and the
// invariants looked at after each command.
#include <gtest/gtest.h>

#include <memory>

#include "base/text.h"
#include "model/job_fsm.h"
#include "store/apply.h"
#include "store/live_table.h"
#include "store/memory_rows.h"
#include "store/simulation_world.h"

namespace ffrtmp::store::simulation {

class Master {
 public:
  using OnReply = std::function<void(const Result<Reply>&)>;

  Master(World& world, Network& network) : world_(world), network_(network), ids_(world) { load(); }

  // A request over the network; `on_reply` runs for each reply that finds its way back.
  void call(Command command, OnReply on_reply) {
    network_.carry([this, command = std::move(command), on_reply = std::move(on_reply)] {
      if (down_) return;
      auto reply = std::make_shared<Result<Reply>>(handle(command));
      network_.carry([reply, on_reply] { on_reply(*reply); });
    });
  }

  // One command in a transaction of its own; now and then its commit fails.
  Result<Reply> handle(const Command& command) {
    Effects effects;
    ApplyContext context{world_.now(), ids_, settings_, *live_, effects, 0.0};
    const auto before = state_before(command);
    live_->begin_group();
    auto reply = apply(session_, context, command);
    if (failing_ && world_.chance(0.02)) {
      session_.roll_back();
      live_->undo_group();
      check_unchanged(before, "a failed commit");
      return make_error(Errc::kStoreUnavailable, "simulated");
    }
    if (Status committed = session_.commit(); !committed) ADD_FAILURE() << committed.error().message;
    live_->keep_group();
    if (before && !before->current) check_unchanged(before, "an attempt that is not current");
    for (const auto sequence : effects.jobs_changed) check_job(sequence);
    return reply;
  }

  void stop_for(Duration time) {
    down_ = true;
    world_.after(time, [this] { load(); });
  }
  void set_failing(bool failing) { failing_ = failing; }

  [[nodiscard]] const MemoryData& data() const { return data_; }
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] bool all_ended() const {
    for (const auto& [sequence, row] : data_.jobs)
      if (!model::is_ended(row.job->now.status)) return false;
    return true;
  }

 private:
  // What a message of an attempt finds: its job, and whether it may change it.
  struct Before {
    std::int64_t sequence = 0;
    model::JobStatus job;
    std::size_t transitions = 0;
    bool current = false;
  };

  void load() {
    down_ = false;
    live_ = std::make_unique<LiveTable>();
    Effects effects;
    ApplyContext context{world_.now(), ids_, settings_, *live_, effects, 0.0};
    if (Status status = load_live(session_, context); !status) ADD_FAILURE() << status.error().message;
  }

  [[nodiscard]] std::optional<Before> state_before(const Command& command) const {
    const auto attempt_id = std::visit(
        [](const auto& c) -> std::optional<Uuid> {
          if constexpr (requires { c.attempt_id; })
            return c.attempt_id;
          else
            return std::nullopt;
        },
        command);
    if (!attempt_id) return std::nullopt;
    const auto attempt = data_.attempts.find(*attempt_id);
    if (attempt == data_.attempts.end()) return std::nullopt;
    const auto& row = data_.jobs.at(attempt->second.job_sequence);
    const bool current = model::is_live(row.job->now.status) && row.job->now.attempt_id == *attempt_id;
    return Before{attempt->second.job_sequence, row.job->now, row.transitions.size(), current};
  }

  void check_unchanged(const std::optional<Before>& before, std::string_view who) const {
    if (!before) return;
    const auto& row = data_.jobs.at(before->sequence);
    EXPECT_EQ(row.transitions.size(), before->transitions) << who << " changed job " << before->sequence;
    EXPECT_EQ(row.job->now.status, before->job.status) << who;
    EXPECT_EQ(row.job->now.last_activity_at, before->job.last_activity_at) << who;
    EXPECT_EQ(row.job->now.retry_count, before->job.retry_count) << who;
  }

  void check_job(std::int64_t sequence) const {
    const auto& row = data_.jobs.at(sequence);
    int live = 0;
    for (const Uuid& id : row.attempts) {
      const bool is_live = data_.attempts.at(id).state == model::AttemptState::kLive;
      live += is_live ? 1 : 0;
      EXPECT_EQ(live_->attempt(id) != nullptr, is_live) << "lease and row disagree";
      EXPECT_TRUE(!is_live || row.job->now.attempt_id == id) << "a live attempt that is not the job's";
    }
    EXPECT_LE(live, 1) << "two current attempts of job " << sequence;
    EXPECT_LE(row.attempts.size(), 11U + static_cast<std::size_t>(row.job->now.attempts_before_retry));
    const auto last = row.transitions.size() - 1;
    EXPECT_EQ(row.transitions[last].to, row.job->now.status);
    const auto from = last == 0 ? std::nullopt : std::optional(row.transitions[last - 1].to);
    EXPECT_EQ(row.transitions[last].from, from);
    EXPECT_TRUE(model::is_legal(from, row.transitions[last].to));
    EXPECT_NE(from, model::JobState::kCompleted) << "completed was left";
  }

  World& world_;
  Network& network_;
  WorldIds ids_;
  Settings settings_;
  MemoryData data_;
  MemorySession session_{data_};
  std::unique_ptr<LiveTable> live_;
  bool down_ = false;
  bool failing_ = false;
};

}  // namespace ffrtmp::store::simulation
