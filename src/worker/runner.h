#pragma once
// One attempt from claim to accepted result, on a thread of its own:
//
//   prepare ──> run (supervisor, engine) ──> verify ──> grant ──> rename ──> result accepted ──> directory gone
//      └──────────── failure, cancel, deadline ────────────────────────────> result
//   stale (409), abandon: everything killed, partial files removed, no result
//
// To prepare includes making the input of a job that names none (runner_generate.cpp).
// While it runs it reports progress at most once a second and at least each renew interval, relays the log, and carries
// commands out. An earlier worker's attempt is taken up at the step it had reached.
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "api/client.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "media/verify.h"
#include "model/encoder_choice.h"
#include "model/gstreamer.h"
#include "model/node.h"
#include "supervisor/link.h"
#include "worker/attempt_dir.h"
#include "worker/concurrency.h"
#include "worker/engine_reach.h"
#include "worker/hardware_doubt.h"
#include "worker/input_dir.h"
#include "worker/job_groups.h"
#include "worker/meters.h"
#include "worker/publish.h"
#include "worker/reuse.h"
#include "worker/settings.h"

namespace ffrtmp::worker {

// What the machine offers to attempts, as last detected.
struct Means {
  std::vector<model::Encoder> encoders;
  model::Gstreamer gstreamer;  // not usable when it was not looked for
  int cpu_threads = 1;
  std::int64_t ram_total_bytes = 0;
  EngineReach ffmpeg_reach;
  EngineReach gstreamer_reach;
  EngineReach tool_reach;  // of ffprobe and the verifier
};

// What runners share: read-only after the start, but for what the machine can do, which a runner takes at its birth, and
// what is for any thread.
struct Shared {
  Settings settings;
  std::shared_ptr<const Means> means;  // changed by the thread that makes runners
  std::unique_ptr<JobGovernor> governor;
  Meters* meters = nullptr;  // this and the next two outlive the runners
  Concurrency* concurrency = nullptr;
  HardwareDoubt* hardware_doubt = nullptr;
  std::string boot_id;
  std::unique_ptr<InputDir> inputs;                                     // none: no input can be generated
  std::function<Result<std::unique_ptr<api::WorkerClient>>()> connect;  // with the node's token
  std::function<void(const std::vector<api::Command>&)> on_commands;  // commands for any attempt, as replies carry them
};

class Runner {
 public:
  enum class Origin { kClaimed, kAdopted };
  // Starts the thread; `ended` is called on it as its last act.
  Runner(Shared& shared, Notes notes, Origin origin, BootTime fence, std::function<void(const Uuid&)> ended);
  ~Runner();  // joins
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  [[nodiscard]] const Uuid& attempt_id() const { return id_; }
  [[nodiscard]] api::HeartbeatAttempt heartbeat() const;

  // Any thread; an attempt that is over takes them as done.
  void command(const api::Command& command);
  // The master acknowledged, at or after `sent`, that the lease holds.
  void renewed(BootTime sent);
  // The master says that the attempt is not current any more.
  void stale();
  // SIGTERM to the worker: end the engine (SIGTERM, 10 s, kill) and give the job back. A finished result that cannot be
  // sent is left for the next start.
  void release();

 private:
  // kUnsent: the worker stops and the master is away; what was written down stays for the next start.
  enum class End { kResult, kStale, kReleased, kUnsent };

  void thread_main();
  End work();
  [[nodiscard]] End end_unheard() const;
  // nullopt: running or at its end already; else the result of a failed preparation.
  std::optional<model::AttemptResult> prepare();
  std::optional<model::AttemptResult> place_output();
  std::optional<model::AttemptResult> place_live();
  std::optional<model::AttemptResult> plan_and_start();
  // Encoders of a device whose sessions are bounded are left out, unless the master leased one.
  [[nodiscard]] std::vector<model::Encoder> encoders_at_hand() const;
  std::optional<model::AttemptResult> start_with(const model::ChosenEncoder& encoder);
  // Which engine runs the request, with its reason, in the notes.
  std::optional<model::AttemptResult> choose_engine(const engine::PlanRequest& request);
  [[nodiscard]] bool on_gstreamer() const { return notes_.engine.used == "gstreamer"; }
  // GStreamer ended for a reason that lies in its pipeline.
  [[nodiscard]] bool pipeline_broke(const model::AttemptResult& result) const;
  // Something of a live output may have left the engine: whoever watches would see the beginning again.
  [[nodiscard]] bool has_sent() const;
  // The pipeline broke before anything was sent, and the job leaves the choice of the engine to us.
  [[nodiscard]] bool can_leave_gstreamer(const model::AttemptResult& result) const;
  std::optional<model::AttemptResult> restart_with_ffmpeg(const model::AttemptResult& failed);
  // Whether this end of a hardware encoder is one that a software encoder may do better.
  // The engine broke on hardware, for a reason that need not lie in the job.
  [[nodiscard]] bool hardware_failed(const model::AttemptResult& result) const;
  [[nodiscard]] bool can_fall_back(const model::AttemptResult& result) const;
  std::optional<model::AttemptResult> restart_in_software(const model::AttemptResult& failed);
  std::optional<model::AttemptResult> start_supervisor();
  // runner_generate.cpp. Each gives the result of a failure.
  std::optional<model::AttemptResult> generate_input();
  std::optional<model::AttemptResult> generate_with(const model::ChosenEncoder& encoder,
                                                    std::chrono::milliseconds limit);
  std::optional<model::AttemptResult> judge_generation(std::chrono::milliseconds limit, bool is_own);
  std::optional<model::AttemptResult> finish_generation(double seconds_spent);
  void forget_generation();
  void blame_generation(model::AttemptResult& result) const;
  [[nodiscard]] model::InputInfo input_info() const;
  void remove_generated_input();
  // Nobody named the input, nobody named the output: it was made to see that it can be made.
  [[nodiscard]] bool output_goes() const;
  std::optional<model::AttemptResult> start_engine(const engine::RunPlan& run);
  [[nodiscard]] supervisor::Plan first_plan() const;
  // Of any engine of the attempt: it writes the one file, when it is not "".
  [[nodiscard]] supervisor::Plan plan_of(const engine::RunPlan& run, const std::string& written) const;
  // For ffprobe and the verifier: confined as engines are, to reading `media` (a file, or the directory of a set).
  [[nodiscard]] media::RunTool tool_on(const std::string& media) const;
  // Of the one that makes the output.
  [[nodiscard]] supervisor::Plan encode_plan(const engine::RunPlan& run) const;
  void scan_input_later();
  std::optional<model::AttemptResult> reuse_granted_file();
  [[nodiscard]] bool copy_granted(const FileDigest& granted) const;
  model::AttemptResult watch_engine();
  // To the engine's end, exit_; a result when that is not to be had.
  std::optional<model::AttemptResult> follow_engine(model::Phase phase);
  // Makes place for the attempt's next engine.
  void leave_engine();
  model::AttemptResult judge(const supervisor::Exit& exit);
  model::AttemptResult verify_and_stage(model::AttemptResult result);
  [[nodiscard]] model::AttemptResult judge_live(model::AttemptResult result, const media::Expectation& expected) const;
  std::optional<End> publish_staged(model::AttemptResult& result);
  [[nodiscard]] Result<model::PublishGrant> grant_of_staged() const;
  template <class Work>
  auto beside_talk(Work work);
  End deliver(const model::AttemptResult& result);
  // Before the next try to reach the master; cut short when the worker stops.
  void pause_before_try(int tries) const;
  void end_engine();
  void clean_up();

  // One round of talk with the master: progress when due, log, acknowledgements. False: the attempt is stale.
  bool talk(const supervisor::State* state, model::Phase phase);
  bool send_progress(const supervisor::State* state, model::Phase phase);
  void send_log(const supervisor::State& state);
  void carry_out_commands();
  [[nodiscard]] bool carry_out(const api::Command& command);
  void acknowledge();
  [[nodiscard]] Move move() const;
  [[nodiscard]] std::string staged_path() const;  // empty: nothing is staged
  [[nodiscard]] std::string staged_file() const;  // of HLS the playlist
  [[nodiscard]] bool is_live() const;
  [[nodiscard]] std::chrono::milliseconds deadline() const;
  [[nodiscard]] bool should_stop() const { return stale_ || abandon_ || releasing_; }
  [[nodiscard]] bool fence_passed() const;
  model::AttemptResult failure(model::FailureReason reason, std::string error) const;
  model::AttemptResult canceled_result(bool graceful) const;

  Shared& shared_;
  const std::shared_ptr<const Means> means_;
  const Uuid id_;
  Notes notes_;
  AttemptDir dir_;
  Origin origin_;
  std::function<void(const Uuid&)> ended_;
  std::unique_ptr<api::WorkerClient> client_;
  JobGroups groups_;                              // of the present or last supervisor of this process
  std::optional<supervisor::Prepared> prepared_;  // until the engine starts
  std::unique_ptr<supervisor::Link> link_;
  std::optional<supervisor::Exit> exit_;
  std::string stderr_tail_;
  std::optional<engine::InputFacts> input_facts_;  // absent in an adopted attempt
  std::optional<engine::LiveOutput> live_;         // likewise
  std::int64_t log_end_ = 0;
  bool paused_ = false;                   // as last ordered
  std::vector<std::string> carried_out_;  // commands that are to be acknowledged once they are in force
  std::future<Result<media::Probe>> input_scan_;
  sys::Fd generated_file_;  // keeps the inode of the generated input ours
  BootTime started_;

  std::atomic<std::int64_t> fence_ns_;    // CLOCK_BOOTTIME
  std::atomic<bool> stale_{false};
  std::atomic<bool> abandon_{false};
  std::atomic<bool> releasing_{false};
  std::atomic<bool> canceled_{false};
  std::atomic<bool> stop_tools_{false};   // ends a verification early
  bool was_supervised_ = false;           // a supervisor was started or taken up
  bool release_sent_to_engine_ = false;
  bool delivered_ = false;                // the master took a completed result: the output stays

  mutable std::mutex mutex_;
  std::deque<api::Command> commands_;      // not yet carried out
  std::vector<std::string> open_commands_;  // not yet acknowledged
  std::vector<std::string> acks_;          // carried out, not yet told
  std::vector<std::string> done_commands_; // ids seen: a command is repeated until its acknowledgement arrives
  model::Phase phase_ = model::Phase::kPreparing;
  std::optional<double> percent_;

  std::int64_t log_sent_ = 0;
  bool log_dropped_ = false;
  model::Progress last_progress_;
  BootTime last_report_{};
  std::optional<double> output_seconds_;   // expected, for percent
  std::thread thread_;                     // last: everything above exists when it starts
};

}  // namespace ffrtmp::worker
