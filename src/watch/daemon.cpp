#include "watch/daemon.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "base/log.h"
#include "base/text.h"
#include "base/version.h"
#include "govern/delegation.h"
#include "json/json.h"
#include "sys/file_io.h"
#include "sys/heap.h"
#include "sys/lock.h"
#include "watch/layout.h"

namespace ffrtmp::watch {
namespace {

using govern::Policy;
using namespace std::chrono_literals;

constexpr auto kReconcileSlice = 20ms;  // then events get their turn
constexpr auto kRestoreTime = 8s;       // of the 10 s that a stop may take
constexpr auto kFlushTime = 1500ms;     // of the same
// A terminal and sudo, or timeout(1) and its group, deliver one wish twice.
constexpr auto kSameWish = 500ms;
// How long the parent of the jobs' groups stays behind the last job at most: often there is a next one.
constexpr auto kParentRest = 2s;
constexpr auto kHealthTick = 1000ms;
constexpr auto kLongTurn = 60s;

sigset_t daemon_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// A tracked process costs two descriptors, its pidfd and its claim.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

bool has_filters(const govern::Rule& rule) { return rule.filters != govern::Filters{}; }

std::string error_json(std::string_view message) {
  std::string out = "{\"error\":";
  json::append_string(out, message);
  return out + "}";
}

}  // namespace

void block_signals() {
  const sigset_t set = daemon_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);  // a peer that went away is an error of its write
}

Daemon::Daemon(WatchSettings settings)
    : settings_(std::move(settings)),
      policy_(settings_.policy),
      host_(sys::Host::real()),
      notifier_(environment("NOTIFY_SOCKET"), environment("WATCHDOG_USEC")) {
  if (!settings_.proc_root.empty()) host_.proc = settings_.proc_root;
}

Daemon::~Daemon() = default;

Result<std::unique_ptr<Daemon>> Daemon::start(WatchSettings settings) {
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(settings)));
  if (!daemon->settings_.dry_run) FFRTMP_TRY(daemon->take_locks());
  FFRTMP_TRY(daemon->prepare());
  daemon->announce();
  FFRTMP_TRY(daemon->load());
  if (!daemon->settings_.once) {
    FFRTMP_TRY(daemon->open_events());
    daemon->open_gate();
  }
  if (!daemon->settings_.dry_run && !daemon->settings_.once) FFRTMP_TRY(daemon->start_server());
  return daemon;
}

Status Daemon::take_locks() {
  FFRTMP_TRY(govern::prepare_runtime_dir(settings_.runtime_dir));
  const auto lock = [](const std::string& path, sys::Fd& out) -> Status {
    FFRTMP_ASSIGN(out, sys::open_file(path, O_RDWR | O_CREAT, 0600));
    if (!sys::try_lock(out.get())) {
      const auto owner = sys::read_at(out.get(), 32, 0);
      return make_error(Errc::kUnavailable, cat("already running (pid ", owner ? trim(*owner) : "unknown", ")"));
    }
    if (ftruncate(out.get(), 0) != 0) return last_sys_error(cat("truncate ", path));
    return sys::write_all_at(out.get(), cat(getpid(), "\n"), 0);
  };
  FFRTMP_TRY(lock(settings_.runtime_dir + "/watch.lock", runtime_lock_));
  if (!policy_->state.enabled) return {};
  const std::string parent = std::filesystem::path(policy_->state.path).parent_path().string();
  if (!parent.empty()) FFRTMP_TRY(sys::make_directories(parent, 0755));
  return lock(policy_->state.path + ".lock", state_lock_);
}

Status Daemon::prepare() {
  started_at_ = clock_.now().utc;
  started_ = clock_.now().boot;
  raise_descriptor_limit();
  FFRTMP_ASSIGN(reactor_, Reactor::create());
  FFRTMP_ASSIGN(sys::ProcScanner scanner, sys::ProcScanner::open(host_));
  scanner_ = std::move(scanner);
  if (const auto own = sys::read_own_stat(host_)) self_ = own->pid;
  boot_id_ = sys::read_boot_id(host_).value_or("");
  layout_ = read_layout(host_, settings_.cgroup_mount);
  enter_leaf();
  health_.emplace(clock_, metrics_, policy_->health);
  attacher_.emplace(govern::AttacherSettings{host_, layout_, settings_.cgroup_root, [this] {
                                               reactor_->after(kParentRest, [this] { attacher_->clear_parents(); });
                                             }});
  examiner_.emplace(Examiner::Settings{host_, settings_.runtime_dir, sysconf(_SC_CLK_TCK)}, *scanner_, names_, self_);
  governor_.emplace(
      Governor::Context{clock_, host_, *attacher_, *examiner_, metrics_, *health_, *reactor_, settings_.runtime_dir,
                        boot_id_, self_, attacher_->mode(), settings_.dry_run},
      policy_);
  discovery_.emplace(
      Discovery::Context{clock_, *scanner_, *examiner_, *governor_, metrics_, *health_, *reactor_, realtime_}, policy_);
  return watch_signals();
}

// In v2 jobs' groups cannot stand in the unit's group beside the daemon itself.
void Daemon::enter_leaf() const {
  if (settings_.dry_run || !settings_.proc_root.empty() || !settings_.cgroup_mount.empty()) return;
  if (const auto entered = govern::enter_daemon_leaf(host_, layout_); !entered)
    log::warn(cat("The delegated group cannot be left for a leaf: ", entered.error().message));
}

Status Daemon::watch_signals() {
  const sigset_t set = daemon_signals();
  signals_ = sys::Fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return last_sys_error("signalfd");
  return reactor_->watch(signals_.get(), [this] { on_signal(); });
}

void Daemon::announce() const {
  log::info("Starting auto-attach service...");
  log::info(cat("Scan interval: ", format_duration(policy_->scan_interval)));
  log::info(cat("Target commands: [", join(policy_->target_commands, " "), "]"));
  if (policy_->retry.enabled && !settings_.dry_run) {
    log::info(cat("Retry queue enabled (max attempts: ", policy_->retry.max_attempts, ")"));
    log::info("Retry worker started");
  }
}

Status Daemon::load() {
  State state;
  if (policy_->state.enabled && !settings_.dry_run) {
    const govern::StateSettings& wanted = policy_->state;
    log::info(cat("State persistence enabled: ", wanted.path));
    FFRTMP_ASSIGN(LoadedState loaded, load_state(wanted.path, boot_id_, clock_.now().utc));
    if (!loaded.set_aside.empty()) log::warn(cat("State could not be read, kept as ", loaded.set_aside));
    if (loaded.was_there) log::info(cat("State loaded from ", wanted.path));
    state = std::move(loaded.state);
    writer_ = std::make_unique<StateWriter>(wanted.path, wanted.fsync, [this](const Status& status) {
      metrics_.flush(status.has_value());
      if (!status)
        log::error(cat("State could not be saved: ", status.error().message), {{"err", status.error().message}});
    });
  }
  const bool any_filter =
      has_filters(policy_->defaults) || std::any_of(policy_->commands.begin(), policy_->commands.end(),
                                                    [](const auto& item) { return has_filters(item.second); });
  if (any_filter) log::info("Filters applied to scanner");
  const govern::Attacher::Mode& mode = governor_->mode();
  log::info(
      cat("Governance mode: ", govern::name_of(mode.best), mode.reason.empty() ? "" : cat(" (", mode.reason, ")")));
  governor_->restore_counters(state);
  if (settings_.dry_run) return {};
  const std::size_t stale = governor_->adopt(state);
  if (stale > 0) log::info(cat("Cleaned ", stale, " stale PIDs from state"));
  return {};
}

Status Daemon::open_events() {
  if (policy_->events == govern::EventMode::kOff) {
    events_reason_ = "switched off";
    return {};
  }
  const Status opened = settings_.proc_root.empty()
                            ? discovery_->open_events({settings_.event_buffer_bytes, 1000ms})
                            : Status(make_error(Errc::kUnsupported, "another process tree was given"));
  if (!opened) {
    events_state_ = "unavailable";
    events_reason_ = opened.error().message;
    if (policy_->events == govern::EventMode::kOn)
      return make_error(Errc::kUnsupported, cat("Process events unavailable: ", events_reason_));
    log::warn(cat("Process events unavailable: ", events_reason_, ", scanning only"));
    return {};
  }
  events_state_ = "on";
  if (!realtime_.try_raise()) log::debug("Events are answered at ordinary priority: SCHED_FIFO is not allowed");
  return {};
}

void Daemon::open_gate() {
  if (policy_->events != govern::EventMode::kGate || settings_.dry_run) return;
  gate_.emplace(
      *reactor_, host_.proc + "/self/exe",
      Gate::Listener{
          [this](const Gate::Held& held) { discovery_->on_gate(held.pid, held.path, held.named); },
          [this](pid_t pid) {
            metrics_.gate_late();
            log::warn(cat("The gate let PID ", pid, " go before its limits were in force"), {{"pid", cat(pid)}});
          }});
  gate_->use(gate_paths(), policy_->gate_budget);
}

std::vector<std::string> Daemon::gate_paths() const {
  if (!policy_->gate_paths.empty()) return policy_->gate_paths;
  return find_programs(policy_->target_commands, environment("PATH"));
}

Status Daemon::start_server() {
  net::ServerOptions options;
  options.unix_path = settings_.runtime_dir + "/watch.sock";
  options.listen = "";
  if (const std::string& listen = policy_->metrics_listen; !listen.empty()) {
    const auto colon = listen.rfind(':');
    options.listen = listen.substr(0, colon) == "localhost" ? "127.0.0.1" : listen.substr(0, colon);
    if (options.listen.starts_with('[')) options.listen = options.listen.substr(1, options.listen.size() - 2);
    options.port = static_cast<std::uint16_t>(parse_int(listen.substr(colon + 1)).value_or(0));
  }
  options.body_limit = [](std::string_view, std::string_view) { return std::size_t{256 * 1024}; };
  options.error_body = [](int, std::string_view message) { return error_json(message); };
  FFRTMP_ASSIGN(server_,
                net::Server::start(std::move(options), [this](net::Request request, const net::Respond& respond) {
                  handle(std::move(request), respond);
                }));
  if (server_->port() != 0) log::debug(cat("Listening on ", policy_->metrics_listen));
  // On the server's thread, so that it goes on when the loop does not.
  struct Ticker {
    static void run(net::Server& server, HealthMonitor& health) {
      health.tick();
      server.post_after(kHealthTick, [&server, &health] { run(server, health); });
    }
  };
  Ticker::run(*server_, *health_);
  return {};
}

void Daemon::first_scan() {
  log::info("Performing initial scan...");
  discovery_->scan();
  is_ready_ = true;
}

int Daemon::run() {
  first_scan();
  notifier_.send("READY=1");
  scan_on_time();
  reconcile_on_time();
  flush_on_time();
  beat();
  while (!has_stopped_) reactor_->turn(kLongTurn);
  return 0;
}

int Daemon::run_once(std::string* decisions) {
  first_scan();
  if (decisions != nullptr) *decisions = json::encode(process_views());
  governor_->release_all(govern::OnStop::kKeep, [] { return true; });
  return governor_->failure_count() > 0 ? 1 : 0;
}

void Daemon::scan_on_time() {
  reactor_->after(policy_->scan_interval, [this, generation = generation_] {
    if (generation != generation_) return;
    scan_on_time();  // first: the interval is from begin to begin
    discovery_->scan();
  });
}

void Daemon::reconcile_on_time() {
  reactor_->after(policy_->reconcile_interval, [this, generation = generation_] {
    if (generation != generation_) return;
    reconcile_on_time();
    if (!is_reconciling_) reconcile_slice();  // else the round before this one still goes on
  });
}

void Daemon::reconcile_slice() {
  realtime_.lower();
  is_reconciling_ = governor_->reconcile_some(kReconcileSlice);
  realtime_.raise();
  if (is_reconciling_) reactor_->after(1ms, [this] { reconcile_slice(); });
}

void Daemon::flush_on_time() {
  if (!writer_) return;
  reactor_->after(policy_->state.flush_interval, [this, generation = generation_] {
    if (generation != generation_) return;
    flush_on_time();
    const bool is_dirty = governor_->version() != written_version_ || discovery_->reading().scans != written_scans_;
    if (!is_dirty) return;
    written_version_ = governor_->version();
    written_scans_ = discovery_->reading().scans;
    writer_->submit(state_text());
  });
}

// From this loop and no other thread: a daemon that hangs has to be restarted.
void Daemon::beat() {
  const auto interval = notifier_.watchdog_interval();
  if (!interval) return;
  notifier_.send("WATCHDOG=1");
  reactor_->after(*interval, [this] { beat(); });
}

void Daemon::on_signal() {
  signalfd_siginfo info{};
  while (!has_stopped_ && read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo == SIGHUP)
      reload();
    else
      stop(static_cast<int>(info.ssi_signo));
  }
}

void Daemon::reload() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  notifier_.send(cat("RELOADING=1\nMONOTONIC_USEC=", now.tv_sec * 1'000'000 + now.tv_nsec / 1000));
  LoadedPolicy loaded = load_policy(settings_.sources);
  metrics_.reload(loaded.errors.empty());
  for (const std::string& error : loaded.errors) log::error(cat("Config reload failed: ", error), {{"err", error}});
  if (loaded.errors.empty()) {
    for (const std::string& warning : loaded.warnings) log::warn(warning);
    const auto before = policy_;
    policy_ = std::make_shared<const Policy>(std::move(loaded.policy));
    if (policy_->metrics_listen != before->metrics_listen || policy_->state.path != before->state.path ||
        policy_->state.enabled != before->state.enabled || policy_->events != before->events)
      log::warn("metrics.listen, state.path, state.enabled and discovery.events change at a restart only");
    health_->use(policy_->health);
    governor_->use(policy_);
    discovery_->use(policy_);
    if (gate_) gate_->use(gate_paths(), policy_->gate_budget);
    ++generation_;
    scan_on_time();
    reconcile_on_time();
    flush_on_time();
    log::info("Config reloaded");
    discovery_->scan();
  }
  notifier_.send("READY=1");
}

void Daemon::stop(int signal) {
  is_stopping_ = true;
  discovery_->stop();
  if (gate_) gate_->stop();
  notifier_.send("STOPPING=1");
  log::info(cat("Received signal ", signal == SIGINT ? "interrupt" : "terminated", ", shutting down..."));
  log::info("Stopping auto-attach service...");
  // Not lowered: moves in a row are cheap, and dear when others run in between (8-40 ms each on a default mount).
  const auto begun = std::chrono::steady_clock::now();
  bool is_hurried = false;
  governor_->release_all(policy_->on_stop, [&] {
    const auto now = std::chrono::steady_clock::now();
    signalfd_siginfo info{};
    const bool came = read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info);
    if (came && info.ssi_signo != SIGHUP && now - begun > kSameWish && !is_hurried) {
      is_hurried = true;
      log::warn("Second signal: the rest keeps its limits");
    }
    return !is_hurried && now - begun < kRestoreTime;
  });
  if (writer_) {
    const Status saved = writer_->finish(state_text(), kFlushTime);
    if (saved)
      log::info("State saved");
    else
      log::error(cat("State could not be saved: ", saved.error().message));
  }
  log::info("Auto-attach service stopped");
  log::info("Service stopped gracefully");
  has_stopped_ = true;
}

std::string Daemon::state_text() const {
  State state;
  state.last_scan_at = discovery_->reading().last_scan_at;
  governor_->save_to(state);
  return encode_state(state);
}

void Daemon::handle(net::Request request, const net::Respond& respond) {
  const std::string path(request.path());
  if (request.method == "POST" && path == "/v1/results" && request.peer == "unix") {
    reactor_->post([this, body = std::move(request.body), respond] { respond(take_result(body)); });
    return;
  }
  if (request.method != "GET" && request.method != "HEAD")
    return respond({405, "application/json", error_json("only GET"), {}});
  if (path == "/metrics") return respond({200, std::string(metrics::kContentType), metrics_.expose(), {}});
  if (path == "/healthz" || path == "/readyz") {
    const auto reply = path == "/healthz" ? liveness(facts()) : readiness(facts());
    return respond({reply.http_status(), "application/json", json::encode(reply), {}});
  }
  reactor_->post([this, path, respond] {
    respond(answer(path));
    sys::trim_heap();  // views of thousands
  });
}

// On the server's thread: what is not shared was settled before it began.
DaemonFacts Daemon::facts() const {
  const Now now = clock_.now();
  DaemonFacts facts;
  facts.reading = health_->read();
  facts.now = now.boot;
  facts.uptime_seconds = std::chrono::duration<double>(now.boot - started_).count();
  facts.has_started = is_ready_;
  facts.is_stopping = is_stopping_;
  facts.events = events_state_;
  facts.best = governor_->mode().best;
  return facts;
}

net::Response Daemon::answer(const std::string& path) {
  const auto reply = [](std::string body) { return net::Response{200, "application/json", std::move(body), {}}; };
  if (path == "/v1/status") return reply(json::encode(status_view()));
  if (path == "/v1/processes") return reply(json::encode(process_views()));
  if (path == "/v1/retries") return reply(json::encode(retry_views()));
  const std::vector<govern::DeadLetter> letters(governor_->dead_letters().rbegin(), governor_->dead_letters().rend());
  if (path == "/v1/dead-letters") return reply(json::encode(letters));
  if (path == "/v1/results")
    return reply(json::encode(std::vector<JobResult>(governor_->results().rbegin(), governor_->results().rend())));
  if (path == "/violations") return reply(json::encode(violation_views(governor_->results())));
  if (path == "/v1/whole")
    return reply(json::encode(WholeView{status_view(), process_views(), retry_views(), letters}));
  return {404, "application/json", error_json("no such path"), {}};
}

net::Response Daemon::take_result(const std::string& body) {
  auto result = json::decode<JobResult>(body, json::UnknownKeys::kIgnore);
  if (!result) return {422, "application/json", error_json(result.error().message), {}};
  governor_->take_result(std::move(*result));
  return {204, "application/json", "", {}};
}

StatusView Daemon::status_view() {
  const Now now = clock_.now();
  StatusView view;
  view.version = version();
  view.pid = self_;
  view.started_at = started_at_;
  view.config = settings_.sources.file;
  view.target_commands = policy_->target_commands;
  view.ready = is_ready_;
  const auto health = health_->read();
  view.health = {health.state, health.since, health.facts.scan_failures, health.facts.attach_failures,
                 std::chrono::duration<double>(now.boot - health.facts.last_good_scan).count()};
  const Discovery::Reading& found = discovery_->reading();
  view.discovery = {events_state_,
                    events_reason_,
                    realtime_.is_allowed(),
                    !gate_                   ? "off"
                    : gate_->reading().is_on ? "on"
                                             : "unavailable",
                    gate_ ? gate_->reading().reason : "",
                    format_duration(policy_->scan_interval),
                    found.last_scan_at,
                    found.last_scan_seconds,
                    static_cast<std::int64_t>(found.exec_events),
                    static_cast<std::int64_t>(found.exit_events),
                    static_cast<std::int64_t>(found.resyncs)};
  if (gate_) {
    const Gate::Reading& gate = gate_->reading();
    view.discovery.gate_pid = gate.pid;
    view.discovery.gate_held = gate.held;
    view.discovery.gate_late = gate.late;
    view.discovery.gate_restarts = gate.restarts;
  }
  const govern::Attacher::Mode& mode = governor_->mode();
  view.cgroup = {mode.best, mode.reason, governor_->attach_seconds(), hierarchy_views(layout_)};
  view.tracked = static_cast<std::int64_t>(governor_->entries().size());
  const Ledger& ledger = governor_->ledger();
  view.attached = static_cast<std::int64_t>(ledger.count(EntryState::kAttached) + ledger.count(EntryState::kContested));
  view.retrying = static_cast<std::int64_t>(ledger.count(EntryState::kRetrying));
  view.dead_letters = static_cast<std::int64_t>(governor_->dead_letters().size());
  view.statistics = governor_->statistics();
  return view;
}

std::vector<ProcessView> Daemon::process_views() {
  std::vector<ProcessView> views;
  const BootTime now = clock_.now().boot;
  for (const auto& [pid, entry] : governor_->entries()) {
    views.push_back(process_view(entry, policy_->commands.contains(entry.command), now));
    if (auto facts = examiner_->reader().read_names(pid); facts && facts->key == entry.key)
      views.back().command_line = facts->argv();
  }
  std::sort(views.begin(), views.end(), [](const ProcessView& a, const ProcessView& b) { return a.pid < b.pid; });
  return views;
}

std::vector<RetryView> Daemon::retry_views() const {
  std::vector<RetryView> views;
  for (const auto& [pid, entry] : governor_->entries())
    if (entry.state == EntryState::kRetrying) views.push_back(retry_view(entry));
  return views;
}

}  // namespace ffrtmp::watch
