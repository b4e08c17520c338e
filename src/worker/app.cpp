#include "worker/app.h"

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "api/client.h"
#include "base/log.h"
#include "base/text.h"
#include "net/url.h"
#include "sys/confinement.h"
#include "sys/file_io.h"
#include "sys/proc_fs.h"
#include "worker/endpoint.h"
#include "worker/load_meter.h"
#include "worker/machine.h"
#include "worker/machine_watch.h"
#include "worker/meters.h"
#include "worker/node_identity.h"
#include "worker/retry.h"
#include "worker/runner.h"

namespace ffrtmp::worker {
namespace {

using namespace std::chrono_literals;

constexpr auto kRequestTimeout = 10'000ms;
constexpr auto kUnackedPause = 50ms;  // while a command is carried out the master repeats it: do not spin

// An answer of the master is due every heartbeat.
constexpr int kSilentHeartbeats = 3;

class RunningApp final : public App {
 public:
  RunningApp(Settings settings, NodeIdentity identity)
      : identity_(std::move(identity)),
        instance_(RandomIds().next(SystemClock().now().utc)),
        load_(sys::Host::real(), settings.work_dir),
        meters_(load_, [this] { return running(); }),
        concurrency_(settings.slots) {
    shared_.settings = std::move(settings);
    shared_.meters = &meters_;
    shared_.concurrency = &concurrency_;
    shared_.hardware_doubt = &hardware_doubt_;
  }

  ~RunningApp() override { stop(true); }

  Status begin() {
    open_inputs();
    const auto detect_now = [this](media::Trust trust) {
      return detect(shared_.settings, sys::Host::real(), SystemClock().now().utc, trust);
    };
    FFRTMP_ASSIGN(Machine machine, detect_now(trust_at_start(shared_.settings)));
    know(std::move(machine));
    watch_.emplace(detect_now, shared_.settings.machine_check, BootClock::now());
    FFRTMP_ASSIGN(shared_.governor, JobGovernor::open(sys::Host::real()));
    if (shared_.settings.confine) {
      const EngineReach& reach = shared_.means->ffmpeg_reach;
      if (const auto can = sys::make_ruleset({reach.readable, reach.writable, {}}); !can) {
        shared_.settings.confine = false;
        log::warn("engines are not confined", {{"reason", can.error().message}});
      }
    }
    if (auto boot = sys::read_boot_id(sys::Host::real())) shared_.boot_id = *boot;
    shared_.connect = [this] { return connect(token()); };
    shared_.on_commands = [this](const std::vector<api::Command>& commands) { dispatch(commands); };
    serve_metrics();
    thread_ = std::thread([this] { run(); });
    return {};
  }

  void stop(bool now) override {
    ask_to_stop(now);
    const std::lock_guard joining(join_mutex_);
    if (thread_.joinable()) thread_.join();
  }

  void ask_to_stop(bool now) override {
    {
      const std::lock_guard lock(mutex_);
      if (now) drain_until_ = BootClock::now();
      else if (!draining_) drain_until_ = BootClock::now() + shared_.settings.drain;
      draining_ = true;
    }
    interrupt();
    changed_.notify_all();
  }

  std::optional<Error> ended(std::chrono::milliseconds patience) override {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [this] { return ended_.has_value(); });
    return ended_;
  }

 private:
  // Also for inputs that an earlier worker made.
  void open_inputs() {
    auto inputs = InputDir::open(shared_.settings.work_dir);
    if (inputs) {
      shared_.inputs = std::make_unique<InputDir>(std::move(*inputs));
      return;
    }
    if (std::exchange(shared_.settings.generate_input, false))
      log::error("no input can be generated", {{"err", inputs.error().message}});
  }

  void run() {
    auto client = register_until_known();
    if (!client) return finish();
    while (!over()) {
      const bool claiming = free_slots() > 0 && !is_draining();
      const Status asked = claiming ? claim_once(**client) : heartbeat_once(**client);
      if (!asked && !recover(asked.error(), *client)) break;
      reap();
      if (hardware_doubt_.take()) {
        log::warn("hardware encoders failed twice in a row, trying them again");
        watch_->doubt_hardware();
      }
      if (auto changed = watch_->poll(machine_, BootClock::now())) {
        log::info("the machine has changed, registering again", {{"ffmpeg", changed->facts.engines["ffmpeg"]}});
        know(std::move(*changed));
        keep_client(nullptr);
        auto again = register_until_known();
        if (!again) break;
        client = std::move(again);
      }
    }
    finish();
  }

  // A port that is taken is no reason to transcode nothing.
  void serve_metrics() {
    const Settings& s = shared_.settings;
    if (s.metrics_listen == "none") return;
    const auto master = net::parse_url(s.master_url);
    const bool is_local = master && net::is_loopback(*master);
    EndpointSettings endpoint{s.metrics_listen.empty() ? (is_local ? "127.0.0.1" : "0.0.0.0") : s.metrics_listen,
                              s.metrics_port, s.ffmpeg,
                              std::chrono::duration<double>(kSilentHeartbeats * s.heartbeat).count()};
    auto server = start_endpoint(endpoint, load_, meters_, [this] { return is_draining(); });
    if (!server) return log::error("metrics are not served", {{"err", server.error().message}});
    endpoint_ = std::move(*server);
    log::info("metrics", {{"url", cat("http://", endpoint.listen, ":", endpoint_->port(), "/metrics")}});
  }

  void know(Machine machine) {
    machine_ = std::move(machine);
    const sys::Host host = sys::Host::real();
    shared_.means = std::make_shared<const Means>(Means{
        machine_.facts.encoders, machine_.gstreamer.value_or(model::Gstreamer{}), machine_.facts.cpu_threads,
        machine_.facts.ram_total_bytes, reach_of_engine(shared_.settings.ffmpeg, host),
        reach_of_engine(shared_.settings.gst_launch, host),
        joined(reach_of_engine(shared_.settings.ffprobe, host), reach_of_engine(shared_.settings.verifier, host))});
    meters_.know_machine(machine_.facts);
  }

  // ---- registration ----

  Result<std::unique_ptr<api::WorkerClient>> connect(const std::string& secret) const {
    const Settings& s = shared_.settings;
    FFRTMP_ASSIGN(auto http, net::Client::open({s.master_url, s.ca_file, s.verify_tls, secret}));
    return std::make_unique<api::WorkerClient>(std::move(http), kRequestTimeout);
  }

  std::optional<std::unique_ptr<api::WorkerClient>> register_until_known() {
    bool renewed_token = false;
    for (int tries = 0; !over(); ++tries) {
      auto client = register_once();
      if (client) {
        keep_client(client->get());
        return std::move(*client);
      }
      const Error& error = client.error();
      if (error.code == Errc::kUnauthorized && !identity_.token().empty() && !std::exchange(renewed_token, true)) {
        const std::lock_guard lock(mutex_);
        identity_.forget_token();
        continue;
      }
      // Too many logins from this address, perhaps not ours, will pass.
      const bool may_pass = http_status(error.code) >= 500 || error.code == Errc::kTooManyRequests;
      if (!may_pass) {
        end_with(error);
        return std::nullopt;
      }
      log::warn("cannot register", {{"master", shared_.settings.master_url}, {"err", error.message}});
      wait(std::min(retry_pause(tries), shared_.settings.poll_pause));
    }
    return std::nullopt;
  }

  Result<std::unique_ptr<api::WorkerClient>> register_once() {
    const std::string token = this->token();
    FFRTMP_ASSIGN(auto client, connect(token.empty() ? shared_.settings.api_key : token));
    std::vector<Notes> left = AttemptDir::left_over(attempts_dir());
    if (registered_) left.clear();  // a running worker's attempts are its runners
    // Written down before the master hears of it: when its answer is lost, or we die before it is read, the next
    // registration finds the node that the first one made.
    if (!identity_.node_id()) {
      const std::lock_guard lock(mutex_);
      FFRTMP_TRY(identity_.save(RandomIds().next(SystemClock().now().utc), ""));
    }
    api::RegisterRequest request;
    static_cast<model::NodeFacts&>(request) = machine_.facts;
    request.node_id = identity_.node_id();
    request.instance_id = instance_;
    request.boot_id = shared_.boot_id;
    request.heartbeat_seconds = std::chrono::duration_cast<std::chrono::seconds>(shared_.settings.heartbeat).count();
    // Whatever is not listed is queued again at once: it has to be dead before the master hears of us.
    std::vector<std::string> listed;
    for (const Notes& notes : left) {
      if (!can_go_on(notes)) continue;
      request.attempts.push_back(notes.claim.attempt.id);
      listed.push_back(notes.claim.attempt.id.str());
    }
    if (!registered_) {
      FFRTMP_TRY(supervisor::kill_strays(attempts_dir(), listed));
    }
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [id, runner] : runners_) request.attempts.push_back(id);
    }
    const BootTime sent = BootClock::now();
    FFRTMP_ASSIGN(const api::RegisterReply reply, client->register_node(request));
    if (reply.token) {
      const std::lock_guard lock(mutex_);
      FFRTMP_TRY(identity_.save(reply.node.id, *reply.token));
    }
    client->set_bearer(this->token());
    node_id_ = reply.node.id;
    meters_.know_node(node_id_);
    meters_.heard();
    log::info("registered", {{"node_id", node_id_.str()}, {"master", shared_.settings.master_url}});
    if (!std::exchange(registered_, true)) take_up(std::move(left), reply.attempts, sent);
    return client;
  }

  bool can_go_on(const Notes& notes) const {
    const AttemptDir dir(attempts_dir(), notes.claim.attempt.id);
    if (dir.load_result()) return true;
    return notes.boot_id == shared_.boot_id && supervisor::Link::adopt(dir.path()).has_value();
  }

  // Attempts of an earlier process: those the master lets us keep go on, the others are killed before the first claim.
  void take_up(std::vector<Notes> left, const std::vector<api::AttemptVerdict>& verdicts, BootTime sent) {
    std::vector<std::string> keep;
    for (const api::AttemptVerdict& verdict : verdicts)
      if (verdict.verdict == "keep") keep.push_back(verdict.attempt_id.str());
    const Status killed = supervisor::kill_strays(attempts_dir(), keep);
    if (!killed) log::error("strays of an earlier worker remain", {{"err", killed.error().message}});
    std::vector<std::string> taken;
    std::vector<Uuid> jobs_taken;
    for (Notes& notes : left) {
      const Uuid id = notes.claim.attempt.id;
      // An attempt that is over for the master may be so by this very result: it is sent again, and the answer decides
      // whether the published output stays.
      const bool has_result = AttemptDir(attempts_dir(), id).load_result().has_value();
      if (has_result || std::find(keep.begin(), keep.end(), id.str()) != keep.end()) {
        log::info("attempt goes on", {{"attempt_id", id.str()}});
        taken.push_back(id.str());
        jobs_taken.push_back(notes.claim.job.id);
        start_runner(std::move(notes), Runner::Origin::kAdopted, sent);
        continue;
      }
      if (!notes.staged_name.empty()) take_back(move_of(notes));
    }
    if (!killed) return;
    for (const Uuid& id : AttemptDir::list(attempts_dir()))
      if (std::find(taken.begin(), taken.end(), id.str()) == taken.end()) shared_.governor->remove_left(id.str());
    AttemptDir::sweep(attempts_dir(), taken);
    if (shared_.inputs && !shared_.settings.persist_inputs) shared_.inputs->sweep(jobs_taken);
  }

  // ---- the one open request ----

  template <class Request>
  void fill_contact(Request& request, int wait_seconds) {
    load_.measure(request);
    request.instance_id = instance_;
    request.slots_free = free_slots();
    request.wait = wait_seconds;
    const std::lock_guard lock(mutex_);
    for (const auto& [id, runner] : runners_) request.attempts.push_back(runner->heartbeat());
  }

  int wait_seconds() const {
    return static_cast<int>(std::clamp<std::int64_t>(shared_.settings.heartbeat.count() / 1000, 1, 30));
  }

  Status claim_once(api::WorkerClient& client) {
    if (claim_id_.is_nil()) claim_id_ = RandomIds().next(SystemClock().now().utc);
    api::ClaimRequest request;
    fill_contact(request, wait_seconds());
    request.claim_id = claim_id_;
    request.node_id = node_id_;
    request.slots = std::min(free_slots(), 64);
    const BootTime sent = BootClock::now();
    set_waiting(Waiting::kClaim);
    auto reply = client.claim(request);
    set_waiting(Waiting::kNo);
    if (!reply) return std::move(reply).error();
    claim_id_ = {};  // answered: the next claim is another one. A lost answer is asked for again.
    heard(request.attempts, reply->stale, sent);
    for (api::ClaimItem& item : reply->claims) {
      Notes notes;
      notes.claim = std::move(item);
      start_runner(std::move(notes), Runner::Origin::kClaimed, sent);
    }
    if (!reply->commands.empty()) {
      dispatch(reply->commands);
      wait(kUnackedPause);
    }
    return {};
  }

  Status heartbeat_once(api::WorkerClient& client) {
    api::HeartbeatRequest request;
    fill_contact(request, is_draining() ? 1 : wait_seconds());
    const BootTime sent = BootClock::now();
    set_waiting(Waiting::kHeartbeat);
    auto reply = client.heartbeat(node_id_, request);
    set_waiting(Waiting::kNo);
    if (!reply) return std::move(reply).error();
    heard(request.attempts, reply->stale, sent);
    if (!reply->commands.empty()) {
      dispatch(reply->commands);
      wait(kUnackedPause);
    }
    return {};
  }

  void heard(const std::vector<api::HeartbeatAttempt>& listed, const std::vector<Uuid>& stale, BootTime sent) {
    const std::lock_guard lock(mutex_);
    for (const api::HeartbeatAttempt& attempt : listed) {
      const auto found = runners_.find(attempt.attempt_id);
      if (found == runners_.end()) continue;
      if (std::find(stale.begin(), stale.end(), attempt.attempt_id) != stale.end()) found->second->stale();
      else found->second->renewed(sent);
    }
    failures_ = 0;
    meters_.heard();
  }

  // True: go on after a pause.
  bool recover(const Error& error, std::unique_ptr<api::WorkerClient>& client) {
    if (over()) return false;
    if (error.code == Errc::kSuperseded) {
      end_with(error);
      return false;
    }
    if (error.code == Errc::kUnauthorized || error.code == Errc::kNotFound) {
      keep_client(nullptr);
      auto again = register_until_known();
      if (!again) return false;
      client = std::move(*again);
      return true;
    }
    if (interrupted_.exchange(false)) return true;
    log::warn("the master does not answer", {{"err", error.message}});
    wait(std::min(retry_pause(failures_++), shared_.settings.poll_pause));
    return true;
  }

  // ---- runners ----

  void start_runner(Notes notes, Runner::Origin origin, BootTime sent) {
    const Uuid id = notes.claim.attempt.id;
    const BootTime fence = sent + std::chrono::milliseconds(notes.claim.attempt.fence_ms);
    const std::lock_guard lock(mutex_);
    if (runners_.contains(id)) return;  // a repeated claim names what runs already
    runners_[id] = std::make_unique<Runner>(shared_, std::move(notes), origin, fence, [this](const Uuid& over) {
      {
        const std::lock_guard inner(mutex_);
        over_.push_back(over);
      }
      interrupt_if(Waiting::kHeartbeat);  // a slot is free: claim instead
      changed_.notify_all();
    });
  }

  void reap() {
    std::vector<std::unique_ptr<Runner>> gone;
    {
      const std::lock_guard lock(mutex_);
      for (const Uuid& id : over_) {
        const auto found = runners_.find(id);
        if (found == runners_.end()) continue;
        gone.push_back(std::move(found->second));
        runners_.erase(found);
      }
      over_.clear();
    }
  }

  void dispatch(const std::vector<api::Command>& commands) {
    const std::lock_guard lock(mutex_);
    for (const api::Command& command : commands)
      if (const auto found = runners_.find(command.attempt_id); found != runners_.end()) found->second->command(command);
  }

  int running() const {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(runners_.size()) - static_cast<int>(over_.size());
  }
  // None, or fewer, when more run than may at present.
  int free_slots() { return std::max(0, concurrency_.slots(BootClock::now()) - running()); }

  // ---- ending ----

  bool is_draining() const {
    const std::lock_guard lock(mutex_);
    return draining_;
  }

  // Draining and nothing runs any more, or the patience is used up.
  bool over() const {
    const std::lock_guard lock(mutex_);
    if (ended_) return true;
    return draining_ && (runners_.size() == over_.size() || BootClock::now() >= drain_until_);
  }

  void end_with(const Error& error) {
    const std::lock_guard lock(mutex_);
    ended_ = error;
    changed_.notify_all();
  }

  // Running jobs are given back (or, superseded, fenced); no child survives.
  void finish() {
    {
      const std::lock_guard lock(mutex_);
      for (auto& [id, runner] : runners_) {
        if (ended_) runner->stale();
        runner->release();
      }
    }
    for (;;) {
      reap();
      std::unique_lock lock(mutex_);
      if (runners_.empty()) break;
      changed_.wait_for(lock, 200ms, [this] { return !over_.empty(); });
    }
    keep_client(nullptr);
    const std::lock_guard lock(mutex_);
    if (!ended_) ended_ = make_error(Errc::kUnavailable, "stopped");
    changed_.notify_all();
  }

  // ---- waiting and being woken ----

  enum class Waiting { kNo, kClaim, kHeartbeat };

  void set_waiting(Waiting waiting) {
    const std::lock_guard lock(client_mutex_);
    waiting_ = waiting;
  }
  void keep_client(api::WorkerClient* client) {
    const std::lock_guard lock(client_mutex_);
    client_ = client;
  }
  void interrupt() {
    interrupt_if(Waiting::kClaim);
    interrupt_if(Waiting::kHeartbeat);
  }
  void interrupt_if(Waiting waiting) {
    const std::lock_guard lock(client_mutex_);
    if (client_ == nullptr || waiting_ != waiting) return;
    interrupted_ = true;
    client_->interrupt();
  }
  void wait(std::chrono::milliseconds pause) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, pause, [this] { return draining_ || ended_.has_value(); });
  }

  std::string token() const {
    const std::lock_guard lock(mutex_);
    return identity_.token();
  }
  std::string attempts_dir() const { return shared_.settings.state_dir + "/attempts"; }

  Shared shared_;
  NodeIdentity identity_;
  const Uuid instance_;
  LoadMeter load_;
  Meters meters_;
  Concurrency concurrency_;
  HardwareDoubt hardware_doubt_;
  Machine machine_;
  std::optional<MachineWatch> watch_;
  Uuid node_id_;
  Uuid claim_id_;
  bool registered_ = false;
  int failures_ = 0;
  std::atomic<bool> interrupted_{false};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool draining_ = false;
  BootTime drain_until_{};
  std::optional<Error> ended_;
  std::map<Uuid, std::unique_ptr<Runner>> runners_;
  std::vector<Uuid> over_;

  std::mutex client_mutex_;
  api::WorkerClient* client_ = nullptr;
  Waiting waiting_ = Waiting::kNo;
  std::mutex join_mutex_;
  std::thread thread_;
  std::unique_ptr<net::Server> endpoint_;  // last: it asks all of the above
};

}  // namespace

Result<std::unique_ptr<App>> App::start(Settings settings) {
  FFRTMP_TRY(sys::make_directories(settings.state_dir + "/attempts", 0700));
  FFRTMP_TRY(sys::make_directories(settings.work_dir + "/outputs", 0755));
  FFRTMP_ASSIGN(NodeIdentity identity, NodeIdentity::open(settings.state_dir));
  auto app = std::make_unique<RunningApp>(std::move(settings), std::move(identity));
  FFRTMP_TRY(app->begin());
  return std::unique_ptr<App>(std::move(app));
}

}  // namespace ffrtmp::worker
