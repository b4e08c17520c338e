#include "worker/runner.h"

#include <algorithm>
#include <cmath>

#include "base/log.h"
#include "base/text.h"
#include "engine/engine.h"
#include "worker/retry.h"
#include "worker/secret_mask.h"

namespace ffrtmp::worker {
namespace {

using namespace std::chrono_literals;

constexpr auto kReportEvery = 1000ms;   // progress on change at most this often
constexpr auto kLookEvery = 250ms;      // longest time between two looks at commands
constexpr std::int64_t kLogChunk = 256 << 10;
constexpr int kLogChunksARound = 16;
constexpr auto kEngineGrace = 10'000ms;  // SIGTERM to SIGKILL when the worker itself is told to stop

}  // namespace

Runner::Runner(Shared& shared, Notes notes, Origin origin, BootTime fence, std::function<void(const Uuid&)> ended)
    : shared_(shared),
      means_(shared.means),
      id_(notes.claim.attempt.id),
      notes_(std::move(notes)),
      dir_(shared.settings.state_dir + "/attempts", id_),
      origin_(origin),
      ended_(std::move(ended)),
      started_(BootClock::now()),
      fence_ns_(fence.time_since_epoch().count()),
      thread_([this] { thread_main(); }) {}

Runner::~Runner() {
  if (thread_.joinable()) thread_.join();
}

api::HeartbeatAttempt Runner::heartbeat() const {
  const std::lock_guard lock(mutex_);
  return {id_, phase_, percent_};
}

void Runner::command(const api::Command& command) {
  const std::lock_guard lock(mutex_);
  if (std::find(done_commands_.begin(), done_commands_.end(), command.command_id) != done_commands_.end()) {
    // Seen before: it is not carried out yet, or the acknowledgement is on its way, or was lost.
    const auto is_in = [&](const std::vector<std::string>& ids) {
      return std::find(ids.begin(), ids.end(), command.command_id) != ids.end();
    };
    if (!is_in(open_commands_) && !is_in(acks_)) acks_.push_back(command.command_id);
    return;
  }
  done_commands_.push_back(command.command_id);
  open_commands_.push_back(command.command_id);
  if (command.action == "cancel") {
    canceled_ = true;
    stop_tools_ = true;
  } else if (command.action == "abandon") {
    abandon_ = true;
    stop_tools_ = true;
  }
  commands_.push_back(command);
}

void Runner::renewed(BootTime sent) {
  const std::int64_t fence = (sent + std::chrono::milliseconds(notes_.claim.attempt.fence_ms)).time_since_epoch().count();
  std::int64_t seen = fence_ns_.load();
  while (seen < fence && !fence_ns_.compare_exchange_weak(seen, fence)) {
  }
}

void Runner::stale() {
  stale_ = true;
  stop_tools_ = true;
}

void Runner::release() {
  releasing_ = true;
  stop_tools_ = true;
}

bool Runner::fence_passed() const { return BootClock::now().time_since_epoch().count() >= fence_ns_; }

void Runner::thread_main() {
  const End end = work();
  if (end == End::kStale) log::warn("attempt is not current any more", {{"attempt_id", id_.str()}});
  if (end == End::kUnsent) log::warn("result is left for the next start", {{"attempt_id", id_.str()}});
  else clean_up();
  remove_generated_input();
  ended_(id_);
}

Runner::End Runner::work() {
  for (int tries = 0; !client_; ++tries) {
    if (auto client = shared_.connect()) client_ = std::move(*client);
    else if (should_stop()) return end_unheard();
    else pause_before_try(tries);
  }
  // A result that an earlier process wrote down is the result.
  if (origin_ == Origin::kAdopted) {
    if (auto result = dir_.load_result()) {
      if (result->status == model::ResultStatus::kCompleted && !notes_.staged_name.empty())
        if (const auto end = publish_staged(*result)) return *end;
      return deliver(*result);
    }
  }
  std::optional<model::AttemptResult> result = prepare();
  if (!result) result = watch_engine();
  if (can_leave_gstreamer(*result)) {
    auto again = restart_with_ffmpeg(*result);
    result = again ? std::move(again) : watch_engine();
  }
  const bool broke = hardware_failed(*result);
  if (broke || (notes_.on_hardware && exit_ && exit_->exit_code == 0)) shared_.hardware_doubt->note(!broke);
  if (can_fall_back(*result)) {
    auto again = restart_in_software(*result);
    result = again ? std::move(again) : watch_engine();
  }
  if (stale_ || abandon_) return End::kStale;
  if (releasing_ && result->status != model::ResultStatus::kCompleted) {
    (void)client_->release(id_, "worker is stopping");
    return End::kReleased;
  }
  if (result->output && output_goes()) result->output->removed = true;
  blame_generation(*result);
  if (const Status saved = dir_.save_result(*result); !saved)
    log::error("result cannot be written down", {{"attempt_id", id_.str()}, {"err", saved.error().message}});
  if (result->status == model::ResultStatus::kCompleted)
    if (const auto end = publish_staged(*result)) return *end;
  return deliver(*result);
}

// The master was never reached: the lease ends an attempt, but a result that was written down is for the next start.
Runner::End Runner::end_unheard() const {
  if (dir_.load_result()) return End::kUnsent;
  return releasing_ ? End::kReleased : End::kStale;
}

model::AttemptResult Runner::watch_engine() {
  if (auto lost = follow_engine(model::Phase::kRunning)) return std::move(*lost);
  model::AttemptResult result = judge(*exit_);
  hide_secret(result, notes_.claim.job.parameters.stream_key.value_or(""));
  return result;
}

std::optional<model::AttemptResult> Runner::follow_engine(model::Phase phase) {
  {
    const std::lock_guard lock(mutex_);
    phase_ = phase;
  }
  while (true) {
    auto state = link_->poll(kLookEvery);
    if (!state) {
      end_engine();  // before the master hears of it and starts another copy
      return failure(model::FailureReason::kPlatformError, cat("the supervisor is gone: ", state.error().message));
    }
    if (origin_ == Origin::kAdopted && !state->started && !state->exit) {
      end_engine();
      return failure(model::FailureReason::kPlatformError, "the engine was never started");
    }
    if (state->exit) exit_ = state->exit;
    if (state->frozen || exit_) acknowledge();
    log_end_ = state->log_end;
    carry_out_commands();
    if (phase == model::Phase::kPreparing) state->progress.clear();  // what is made there is not the output
    if (!talk(&*state, state->frozen ? model::Phase::kPaused : phase)) stale_ = true;
    (void)link_->renew(BootTime(std::chrono::nanoseconds(fence_ns_.load())));
    if (should_stop() && !std::exchange(release_sent_to_engine_, true)) (void)link_->cancel(releasing_ && !stale_ && !abandon_ ? kEngineGrace : 0ms);
    if (exit_) return std::nullopt;
  }
}

bool Runner::talk(const supervisor::State* state, model::Phase phase) {
  {
    const std::lock_guard lock(mutex_);
    phase_ = phase;
  }
  if (stale_) return false;
  if (state != nullptr) send_log(*state);
  return send_progress(state, phase);
}

bool Runner::send_progress(const supervisor::State* state, model::Phase phase) {
  model::Progress progress = last_progress_;
  if (state != nullptr && !state->progress.empty()) progress = engine::parse_progress(state->progress, output_seconds_);
  progress.phase = phase;
  std::vector<std::string> acks;
  {
    const std::lock_guard lock(mutex_);
    acks = acks_;
    percent_ = progress.percent;
  }
  const BootTime now = BootClock::now();
  const auto renew = std::chrono::milliseconds(notes_.claim.attempt.renew_ms);
  const bool changed = !(progress == last_progress_) && now - last_report_ >= kReportEvery;
  const bool due = now - last_report_ >= std::min<std::chrono::nanoseconds>(renew, std::chrono::seconds(15));
  const bool first = last_report_ == BootTime{};
  if (acks.empty() && !changed && !due && !first && !(phase != last_progress_.phase)) return true;
  api::ProgressRequest request;
  static_cast<model::Progress&>(request) = progress;
  request.seq = now.time_since_epoch().count();  // grows over a restart of the worker, too
  request.ack = acks;
  auto reply = client_->progress(id_, request);
  if (!reply) {
    last_report_ = BootClock::now() - kReportEvery / 2;  // soon again, not at once
    if (reply.error().code == Errc::kStaleAttempt || reply.error().code == Errc::kNotFound) return false;
    return true;  // the master is away: the fence decides
  }
  last_report_ = now;
  last_progress_ = progress;
  renewed(now);
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(acks_, [&](const std::string& id) { return std::find(acks.begin(), acks.end(), id) != acks.end(); });
  }
  if (!reply->commands.empty()) shared_.on_commands(reply->commands);
  return true;
}

void Runner::send_log(const supervisor::State& state) {
  for (int round = 0; round < kLogChunksARound && log_sent_ < state.log_end; ++round) {
    if (log_sent_ >= state.log_dropped_from && log_sent_ < state.log_dropped_to) {
      log_sent_ = state.log_dropped_to;
      log_dropped_ = true;
    }
    auto chunk = supervisor::read_log(dir_.path(), log_sent_, kLogChunk);
    if (!chunk || chunk->data.empty()) return;
    if (chunk->dropped_bytes > 0) {  // the ring moved on meanwhile: the master makes a marker of its own
      log_sent_ = chunk->next_offset;
      log_dropped_ = true;
      continue;
    }
    // What may begin a secret is held back until more is there; before a gap and behind the end nothing follows.
    const bool is_before_gap =
        chunk->next_offset == state.log_dropped_from && state.log_dropped_from < state.log_dropped_to;
    const bool is_last = is_before_gap || (state.exit && chunk->next_offset >= state.log_end);
    chunk->data.resize(mask_secret(chunk->data, notes_.claim.job.parameters.stream_key.value_or(""), is_last));
    if (chunk->data.empty()) return;
    chunk->next_offset = log_sent_ + static_cast<std::int64_t>(chunk->data.size());
    auto next = client_->append_log(id_, log_sent_, chunk->data, log_dropped_);
    if (!next) {
      if (next.error().code == Errc::kLogGap) log_dropped_ = true;
      return;
    }
    log_dropped_ = false;
    log_sent_ = std::max(next->next_offset, chunk->next_offset);
  }
}

void Runner::carry_out_commands() {
  std::deque<api::Command> commands;
  {
    const std::lock_guard lock(mutex_);
    commands.swap(commands_);
  }
  for (const api::Command& command : commands) {
    const bool is_in_force = carry_out(command);
    carried_out_.push_back(command.command_id);
    if (is_in_force) acknowledge();  // it takes the place of a pause that was not
  }
}

// False: a pause, and the engine does not stand still yet.
bool Runner::carry_out(const api::Command& command) {
  if (command.action == "pause") paused_ = true;
  if (command.action == "resume") paused_ = false;
  if (!link_ || exit_) return true;
  if (command.action == "pause") return link_->pause().has_value();
  if (command.action == "resume") (void)link_->resume();
  if (command.action == "cancel") (void)link_->cancel(std::chrono::seconds(command.grace_seconds.value_or(10)));
  if (command.action == "abandon") (void)link_->cancel(0ms);
  return true;
}

void Runner::acknowledge() {
  const std::lock_guard lock(mutex_);
  for (std::string& id : carried_out_) {
    std::erase(open_commands_, id);
    acks_.push_back(std::move(id));
  }
  carried_out_.clear();
}

model::AttemptResult Runner::failure(model::FailureReason reason, std::string error) const {
  model::AttemptResult result;
  result.result_id = id_;  // one result an attempt: its own id names it, whichever process sends it
  result.status = reason == model::FailureReason::kTimeout ? model::ResultStatus::kTimedOut : model::ResultStatus::kFailed;
  result.failure_reason = reason;
  result.error = std::move(error);
  result.command = notes_.command;
  return result;
}

model::AttemptResult Runner::canceled_result(bool graceful) const {
  model::AttemptResult result;
  result.result_id = id_;
  result.status = model::ResultStatus::kCanceled;
  result.graceful = graceful;
  result.command = notes_.command;
  return result;
}

Runner::End Runner::deliver(const model::AttemptResult& result) {
  // Who hears of the end finds nothing half made any more.
  if (result.status != model::ResultStatus::kCompleted && !notes_.staged_name.empty()) take_back(move());
  for (int tries = 0;; ++tries) {
    auto reply = client_->result(id_, result);
    if (reply) {
      delivered_ = result.status == model::ResultStatus::kCompleted;
      shared_.meters->ended(notes_.claim.job, result);
      log::info("attempt ended", {{"attempt_id", id_.str()}, {"job", cat(notes_.claim.job.sequence_number)},
                                  {"error", result.error.value_or("")}});
      return End::kResult;
    }
    if (!is_worth_another_try(reply.error().code)) {
      log::warn("result refused", {{"attempt_id", id_.str()}, {"err", reply.error().message}});
      return End::kStale;
    }
    // A lost answer may have been a yes, and an attempt that has ended by its result is as little current as one that
    // was given away. So where an output stands at its path only the answer itself decides whether it goes.
    const bool is_published = result.status == model::ResultStatus::kCompleted;
    if ((abandon_ || stale_) && !is_published) return End::kStale;
    if (releasing_ && tries > 0) return End::kUnsent;
    pause_before_try(tries);
  }
}

void Runner::pause_before_try(int tries) const {
  const BootTime until = BootClock::now() + retry_pause(tries);
  while (!releasing_ && BootClock::now() < until) std::this_thread::sleep_for(kLookEvery);
}

Move Runner::move() const { return move_of(notes_); }

// Where no supervisor tells of the end: it may have died and left an engine or a group.
void Runner::end_engine() {
  const Status ended = supervisor::kill_attempt(dir_.path());
  link_.reset();  // takes the dead child's status
  was_supervised_ = !ended;
  if (!ended) log::error("strays of an attempt remain", {{"attempt_id", id_.str()}, {"err", ended.error().message}});
}

void Runner::leave_engine() {
  end_engine();  // the former supervisor may still be on its way out
  notes_.earlier_seconds += exit_->run_seconds;
  notes_.engine_log_begin = log_end_;
  exit_.reset();
  stderr_tail_.clear();
}

// Nothing of an attempt remains but a published output: engine, staged file, directory.
void Runner::clean_up() {
  if (prepared_) {
    prepared_.reset();
    was_supervised_ = false;
  }
  if (link_ && !exit_) {
    (void)link_->cancel(0ms);
    for (int i = 0; i < 100 && !exit_; ++i) {
      auto state = link_->poll(100ms);
      if (!state) break;
      exit_ = std::move(state->exit);
    }
  }
  if (was_supervised_ && !exit_) end_engine();
  link_.reset();
  if (origin_ == Origin::kAdopted) shared_.governor->remove_left(id_.str());
  else shared_.governor->remove(groups_);
  if (const Move move = this->move(); !move.staged.empty()) {
    if (delivered_) settle(move);
    else take_back(move);
    if (delivered_ && output_goes()) take_back(move);
  }
  if (input_scan_.valid()) {
    stop_tools_ = true;
    input_scan_.wait();
  }
  dir_.remove();
}

}  // namespace ffrtmp::worker
