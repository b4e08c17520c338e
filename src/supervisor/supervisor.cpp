// The process that stands between a worker and one engine: it outlives the worker, fences itself, and takes the engine
// with it when it dies. One epoll loop, no threads.
//
//   waiting --start--> running --cancel, stall, deadline, live fence--> ending --grace over--> killing
//      |                  |  main process ended, disk limit, frozen too long --------------------^  |
//      | worker gone      |                                                                        |
//      v                  v  (start failed)             no process of the tree is left             v
//     over <-- exit told, or nobody to tell, or 2 s -- ended <--------------------------- (ending, killing)
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "supervisor/birth_groups.h"
#include "supervisor/disk_usage.h"
#include "supervisor/engine_process.h"
#include "supervisor/peers.h"
#include "supervisor/protocol.h"
#include "supervisor/spool.h"
#include "supervisor/start_link.h"
#include "supervisor/watchdog.h"
#include "sys/file_io.h"
#include "sys/proc_fs.h"
#include "sys/unix_socket.h"

namespace ffrtmp::supervisor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kKillAgain{50};   // a process born between two kills is caught by the next
constexpr milliseconds kLogNotice{100};  // a flood wakes the worker at most so often; logs are due within 1 s
constexpr seconds kOrphanGrace{1};       // of a told engine's children once it has ended itself
constexpr seconds kProgressFile{1};
constexpr seconds kDiskCheck{2};
constexpr seconds kLinger{2};     // for a connected worker to fetch the exit
constexpr seconds kSaveAgain{1};  // exit.json on a full disk
constexpr seconds kSavePatience{60};
constexpr milliseconds kLiveFenceGrace{4000};  // a live engine is gone within 8 s of the fence (contract 2.5)
// The loop waits no longer for a freeze; it takes well under 10 ms unless a task sleeps in the kernel.
constexpr milliseconds kFreezeWait{500};
constexpr milliseconds kFreezeAgain{100};

enum class Phase { kWaiting, kRunning, kEnding, kKilling, kEnded, kOver };

class Supervisor {
 public:
  Supervisor(std::string dir, Plan plan, sys::Host host, pid_t self)
      : dir_(std::move(dir)), plan_(std::move(plan)), groups_(plan_), host_(std::move(host)), self_(self) {}

  Status open(sys::Fd first);
  void enter_groups() { groups_.enter(); }
  int run();

 private:
  Status watch(int fd);
  void dispatch(int fd);
  void step();
  void arm_timer();

  Status handle(const Request& request);
  Reply make_reply() const;
  void start_engine();
  void fail_start(const Error& error);
  void update_freeze();
  void end(EndCause cause, milliseconds grace);
  void kill();
  void on_signals();
  void reap();
  void finish();
  void save_exit_file();

  void watch_engine();
  void note_progress();
  void write_progress();
  void check_disk();
  [[nodiscard]] bool is_live() const {
    return phase_ == Phase::kRunning || phase_ == Phase::kEnding || phase_ == Phase::kKilling;
  }

  std::string dir_;
  Plan plan_;
  BirthGroups groups_;
  sys::Host host_;
  pid_t self_;
  BootTime now_ = BootClock::now();  // of this turn of the loop

  sys::Fd epoll_;
  sys::Fd signals_;
  sys::Fd timer_;
  std::unique_ptr<Peers> peers_;

  Phase phase_ = Phase::kWaiting;
  std::optional<EngineProcess> engine_;
  std::optional<Watchdog> watchdog_;
  Spool spool_;
  ProgressParser progress_;
  BootTime started_{};
  bool paused_ = false;
  bool freeze_wanted_ = false;  // as last ordered
  bool frozen_ = false;         // as last read back
  std::optional<BootTime> freeze_again_at_;
  std::optional<BootTime> kill_at_;  // ending: SIGKILL; killing: once more
  Exit exit_;
  std::optional<int> main_status_;  // as wait gave it
  BootTime ended_{};
  bool exit_saved_ = false;

  std::int64_t version_ = 0;
  std::optional<BootTime> log_notice_at_;
  BootTime last_log_notice_{};
  std::optional<BootTime> progress_due_;
  BootTime last_progress_file_{};
  BootTime next_cpu_sample_{};
  BootTime next_disk_check_{};
  std::optional<BootTime> next_save_;
};

Status Supervisor::watch(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return last_sys_error("epoll_ctl");
  return {};
}

Status Supervisor::open(sys::Fd first) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  epoll_ = sys::Fd(epoll_create1(EPOLL_CLOEXEC));
  signals_ = sys::Fd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  timer_ = sys::Fd(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!epoll_ || !signals_ || !timer_) return last_sys_error("supervisor descriptors");
  FFRTMP_TRY(watch(signals_.get()));
  FFRTMP_TRY(watch(timer_.get()));
  FFRTMP_ASSIGN(spool_, Spool::open(dir_ + "/log", plan_.log_head_bytes, plan_.log_tail_bytes));
  FFRTMP_ASSIGN(sys::Fd listener, sys::listen_unix(host_, dir_ + "/control.sock"));
  peers_ = std::make_unique<Peers>(
      epoll_.get(), std::move(listener), std::move(first), [this](const Request& request) { return handle(request); },
      [this] { return make_reply(); });
  return {};
}

int Supervisor::run() {
  step();  // whoever starts us without a connection asks for nothing
  while (phase_ != Phase::kOver) {
    arm_timer();
    epoll_event events[16];
    const int n = epoll_wait(epoll_.get(), events, 16, -1);
    if (n < 0 && errno != EINTR) return 1;
    now_ = BootClock::now();
    for (int i = 0; i < n; ++i) dispatch(events[i].data.fd);
    step();
  }
  unlink((dir_ + "/control.sock").c_str());
  if (!engine_) groups_.remove();
  return 0;
}

void Supervisor::dispatch(int fd) {
  if (fd == signals_.get()) {
    on_signals();
  } else if (fd == timer_.get()) {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t n = read(fd, &count, sizeof count);
  } else if (fd == peers_->listener_fd()) {
    peers_->accept_all();
  } else if (engine_ && fd == engine_->output_fd()) {
    if (engine_->drain_output(spool_) && !log_notice_at_)
      log_notice_at_ = std::max(now_, last_log_notice_ + kLogNotice);
  } else if (engine_ && fd == engine_->progress_fd()) {
    if (engine_->drain_progress(progress_)) note_progress();
  } else {
    peers_->serve(fd, now_);
  }
}

// What time has made due, in this order: decisions on the engine, files, then the answers that tell of them.
void Supervisor::step() {
  if (phase_ != Phase::kWaiting) groups_.leave();  // after the answer to whoever had the engine started
  if (phase_ == Phase::kWaiting && peers_->empty()) phase_ = Phase::kOver;  // no worker ever asked for the engine
  if (phase_ == Phase::kRunning && freeze_again_at_ && now_ >= *freeze_again_at_) update_freeze();
  if (phase_ == Phase::kRunning) watch_engine();
  if (phase_ == Phase::kEnding || phase_ == Phase::kKilling) {
    if (kill_at_ && now_ >= *kill_at_) kill();
    reap();
  }
  if (progress_due_ && now_ >= *progress_due_) write_progress();
  if (log_notice_at_ && now_ >= *log_notice_at_) {
    last_log_notice_ = now_;
    log_notice_at_.reset();
    ++version_;
  }
  if (next_save_ && now_ >= *next_save_) save_exit_file();
  peers_->answer_waiting(version_, phase_ == Phase::kEnded, now_);
  if (phase_ != Phase::kEnded) return;
  const bool worth_waiting = exit_saved_ ? !peers_->empty() && now_ < ended_ + kLinger : now_ < ended_ + kSavePatience;
  if (peers_->told_exit() || !worth_waiting) phase_ = Phase::kOver;
}

void Supervisor::arm_timer() {
  std::optional<BootTime> next = peers_->next_timeout();
  const auto at = [&](std::optional<BootTime> time) {
    if (time) next = next ? std::min(*next, *time) : *time;
  };
  if (phase_ == Phase::kRunning) {
    at(watchdog_->next_judgement(now_));
    at(freeze_again_at_);
    if (!frozen_ && plan_.stall_ms > 0) at(next_cpu_sample_);
    if (plan_.max_disk_bytes > 0 && !frozen_) at(next_disk_check_);
  }
  if (phase_ == Phase::kEnding || phase_ == Phase::kKilling) at(kill_at_);
  if (phase_ == Phase::kEnded) at(ended_ + (exit_saved_ ? seconds(kLinger) : kSavePatience));
  at(progress_due_);
  at(log_notice_at_);
  at(next_save_);
  itimerspec spec{};
  if (next) {
    const auto since = std::max(next->time_since_epoch(), std::chrono::nanoseconds(1));  // 0 would disarm it
    spec.it_value.tv_sec = since.count() / 1'000'000'000;
    spec.it_value.tv_nsec = since.count() % 1'000'000'000;
  }
  timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

Status Supervisor::handle(const Request& request) {
  switch (request.op) {
    case Op::kStart:
      if (phase_ == Phase::kWaiting) start_engine();
      return {};
    case Op::kRenew:
      if (phase_ != Phase::kRunning) return {};
      watchdog_->set_fence(BootTime(std::chrono::nanoseconds(request.fence_boot_ns)), now_);
      update_freeze();
      return {};
    case Op::kPause:
    case Op::kResume:
      if (phase_ != Phase::kRunning) return {};
      paused_ = request.op == Op::kPause;
      update_freeze();
      if (frozen_ != freeze_wanted_)
        return make_error(Errc::kTimeout, freeze_wanted_ ? "not frozen yet" : "not thawed yet");
      return {};
    case Op::kCancel:
      if (phase_ == Phase::kWaiting)
        phase_ = Phase::kOver;
      else
        end(EndCause::kCanceled, milliseconds(std::max<std::int64_t>(request.grace_ms, 0)));
      return {};
    case Op::kWait:
      break;
  }
  return make_error(Errc::kInvalid, "not an order");
}

Reply Supervisor::make_reply() const {
  Reply reply;
  reply.version = version_;
  State& state = reply.state;
  const SpoolState log = spool_.state();
  state.started = engine_.has_value();
  state.frozen = frozen_;
  state.log_end = log.end;
  state.log_dropped_from = log.dropped_from;
  state.log_dropped_to = log.dropped_to;
  state.progress = progress_.latest();
  if (phase_ == Phase::kEnded || phase_ == Phase::kOver) state.exit = exit_;
  return reply;
}

void Supervisor::start_engine() {
  auto plan = load_plan(dir_);  // as it is now: this process may have been started before all of it was known
  if (!plan) return fail_start(plan.error());
  plan_ = std::move(*plan);
  progress_ = ProgressParser(plan_.progress_format);
  auto engine = EngineProcess::start(host_, self_, plan_, groups_);
  if (!engine) return fail_start(engine.error());
  engine_.emplace(std::move(engine).value());
  now_ = started_ = BootClock::now();
  phase_ = Phase::kRunning;
  ++version_;
  std::optional<BootTime> fence;
  if (plan_.fence_boot_ns > 0) fence = BootTime(std::chrono::nanoseconds(plan_.fence_boot_ns));
  watchdog_.emplace(
      WatchLimits{milliseconds(plan_.stall_ms), milliseconds(plan_.deadline_ms), milliseconds(plan_.fence_stop_ms),
                  milliseconds(plan_.frozen_limit_ms), plan_.live_output},
      fence, started_);
  next_cpu_sample_ = next_disk_check_ = started_;
  for (const int fd : {engine_->output_fd(), engine_->progress_fd()})
    if (const Status status = watch(fd); !status) log::error("engine pipe", {{"error", status.error().message}});
}

void Supervisor::fail_start(const Error& error) {
  exit_.cause = EndCause::kStartFailed;
  exit_.error = error.message;
  started_ = now_;
  finish();
}

// Frozen while paused by the worker or fenced by time. What is told is what was read back, and what is not as it was
// ordered is ordered again.
void Supervisor::update_freeze() {
  const bool wanted = paused_ || watchdog_->is_fenced();
  const bool is_new = std::exchange(freeze_wanted_, wanted) != wanted;
  freeze_again_at_.reset();
  if (!is_new && wanted == frozen_) return;
  Tree& tree = engine_->tree();
  const Status done = wanted ? tree.freeze(is_new ? kFreezeWait : milliseconds(0)) : tree.thaw();
  now_ = BootClock::now();
  if (!done) {
    freeze_again_at_ = now_ + kFreezeAgain;
    if (is_new) log::error(wanted ? "not frozen" : "not thawed", {{"error", done.error().message}});
  }
  const bool frozen = done ? wanted : !wanted;
  if (frozen == frozen_) return;
  frozen_ = frozen;
  watchdog_->note_frozen(frozen_, now_);
  next_cpu_sample_ = now_;
  ++version_;
}

void Supervisor::watch_engine() {
  if (now_ >= next_cpu_sample_ && !frozen_ && plan_.stall_ms > 0) {
    if (const auto cpu = engine_->tree().cpu_usage()) watchdog_->note_cpu(*cpu, now_);
    // Fine enough for a short limit, once a second for the usual one.
    next_cpu_sample_ = now_ + std::clamp(milliseconds(plan_.stall_ms / 8), milliseconds(20), milliseconds(1000));
  }
  const milliseconds grace(plan_.kill_grace_ms);
  switch (watchdog_->judge(now_)) {
    case Watchdog::Verdict::kFine:
      break;
    case Watchdog::Verdict::kFreeze:
      update_freeze();
      break;
    case Watchdog::Verdict::kFenced:
      // A fenced file job may have a successor: it must not run for another instant. A live one never stopped.
      end(EndCause::kFenced, plan_.live_output && !frozen_ ? std::min(grace, kLiveFenceGrace) : milliseconds(0));
      break;
    case Watchdog::Verdict::kStalled:
      end(EndCause::kStalled, grace);
      break;
    case Watchdog::Verdict::kPastDeadline:
      end(EndCause::kDeadline, grace);
      break;
  }
  if (plan_.max_disk_bytes > 0 && phase_ == Phase::kRunning && !frozen_ && now_ >= next_disk_check_) check_disk();
}

void Supervisor::check_disk() {
  next_disk_check_ = now_ + kDiskCheck;
  if (read_disk_bytes(plan_.watched_paths) > plan_.max_disk_bytes) end(EndCause::kDiskLimit, milliseconds(0));
}

// The first cause stays; a later call can only shorten the grace.
void Supervisor::end(EndCause cause, milliseconds grace) {
  if (!is_live() || phase_ == Phase::kKilling) return;
  const BootTime kill_at = now_ + grace;
  if (phase_ == Phase::kRunning) {
    exit_.cause = cause;
    phase_ = Phase::kEnding;
    if (grace.count() > 0) {
      if (freeze_wanted_ || frozen_) (void)engine_->tree().thaw();  // at worst the grace passes unheard
      frozen_ = false;
      engine_->tree().terminate();
    }
    ++version_;
  }
  kill_at_ = kill_at_ ? std::min(*kill_at_, kill_at) : kill_at;
}

void Supervisor::kill() {
  // Children that outlast an engine do not make its own end forceful.
  if (phase_ == Phase::kEnding && !main_status_) exit_.graceful = false;
  phase_ = Phase::kKilling;
  engine_->tree().kill();
  kill_at_ = now_ + kKillAgain;
}

void Supervisor::on_signals() {
  signalfd_siginfo info{};
  bool asked_to_end = false;
  while (read(signals_.get(), &info, sizeof info) == sizeof info) asked_to_end |= info.ssi_signo != SIGCHLD;
  reap();
  if (!asked_to_end) return;
  if (phase_ == Phase::kWaiting)
    phase_ = Phase::kOver;
  else
    end(EndCause::kCanceled, milliseconds(plan_.kill_grace_ms));
}

void Supervisor::reap() {
  if (!is_live()) return;
  for (;;) {
    int status = 0;
    const pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid < 0 && errno == EINTR) continue;
    if (pid < 0) return finish();  // ECHILD: all of the tree were ours to reap in the end
    if (pid == 0) return;
    if (pid != engine_->pid()) continue;
    main_status_ = status;
    if (phase_ == Phase::kRunning) {
      phase_ = Phase::kKilling;
      kill();
    } else if (phase_ == Phase::kEnding) {
      kill_at_ = std::min(*kill_at_, now_ + kOrphanGrace);
    }
  }
}

void Supervisor::finish() {
  ended_ = BootClock::now();
  if (engine_) {
    while (engine_->drain_output(spool_)) {
    }
    while (engine_->drain_progress(progress_)) {
    }
    if (!progress_.latest().empty()) write_progress();
    rusage usage{};
    getrusage(RUSAGE_CHILDREN, &usage);
    const auto cpu_of = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    exit_.cpu_seconds = cpu_of(usage.ru_utime) + cpu_of(usage.ru_stime);
    exit_.max_rss_bytes = static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
    exit_.run_seconds = std::chrono::duration<double>(ended_ - started_).count();
    exit_.last_progress = progress_.latest();
    if (main_status_ && WIFEXITED(*main_status_)) exit_.exit_code = WEXITSTATUS(*main_status_);
    if (main_status_ && WIFSIGNALED(*main_status_)) exit_.signal = WTERMSIG(*main_status_);
    if (const auto& group = engine_->tree().group()) {
      // Processes that an ancestor waited for are in the group's figure only.
      if (const auto cpu = group->cpu_usage())
        exit_.cpu_seconds = std::max(exit_.cpu_seconds, std::chrono::duration<double>(*cpu).count());
    }
    exit_.oom_kills = groups_.oom_kills();
    exit_.unjoined = groups_.unjoined();
    groups_.remove();
  }
  phase_ = Phase::kEnded;
  frozen_ = false;
  ++version_;
  save_exit_file();
}

void Supervisor::save_exit_file() {
  const Status saved = save_exit(dir_, exit_);
  exit_saved_ = saved.has_value();
  if (exit_saved_)
    next_save_.reset();
  else
    next_save_ = now_ + kSaveAgain;
  if (!saved) log::error("exit.json", {{"error", saved.error().message}});
}

void Supervisor::note_progress() {
  watchdog_->note_advance(advance_mark(progress_.latest()), now_);
  // GStreamer tells of each picture; the worker need not wake for each.
  if (plan_.progress_format == ProgressFormat::kFfmpeg || !progress_due_) ++version_;
  if (!progress_due_) progress_due_ = std::max(now_, last_progress_file_ + kProgressFile);
}

void Supervisor::write_progress() {
  progress_due_.reset();
  last_progress_file_ = now_;
  const Status status = sys::write_atomic(dir_ + "/progress", progress_.latest(), 0600, sys::Sync::kNo);
  if (!status) log::warn("progress file", {{"error", status.error().message}});
}

sys::Fd take_start_link() {
  const char* text = std::getenv(kStartLinkVariable);
  const auto fd = parse_int(text == nullptr ? "" : text);
  return fd ? sys::Fd(static_cast<int>(*fd)) : sys::Fd();
}

Status supervise(const std::string& dir) {
  const sys::Host host = sys::Host::real();
  FFRTMP_ASSIGN(Plan plan, load_plan(dir));
  FFRTMP_ASSIGN(const sys::ProcStat self, sys::read_own_stat(host));
  FFRTMP_ASSIGN(const std::string boot_id, sys::read_boot_id(host));
  FFRTMP_TRY(save_identity(dir, {plan.attempt, boot_id, self.pid, static_cast<std::int64_t>(self.start_ticks)}));
  if (getpid() != 1 && prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return last_sys_error("subreaper");
  Supervisor supervisor(dir, std::move(plan), host, self.pid);
  FFRTMP_TRY(supervisor.open(take_start_link()));
  supervisor.enter_groups();
  if (supervisor.run() != 0) return make_error(Errc::kInternal, "the loop broke");
  return {};
}

}  // namespace

int supervise_main(const std::string& dir) {
  log::configure("supervisor", log::Level::kInfo, log::Format::kText);
  prctl(PR_SET_NAME, "ffrtmp-sv");  // for people who read ps: it may have been started as /proc/self/exe
  const Status status = supervise(dir);
  if (!status) log::error("supervisor ends", {{"error", status.error().message}});
  return status ? 0 : 1;
}

}  // namespace ffrtmp::supervisor
