#include "launch/run.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "base/text.h"
#include "govern/job_id.h"
#include "launch/ground.h"
#include "launch/report.h"
#include "launch/stop_signals.h"
#include "sys/pid_fd.h"
#include "sys/spawn.h"

namespace ffrtmp::launch {
namespace {

using std::chrono::milliseconds;

constexpr int kUsage = 2;
// Until the last process that was killed has left the group.
constexpr milliseconds kDeathWait{5'000};
constexpr milliseconds kPause{5};

class Run {
 public:
  Run(const config::RunSettings& settings, Ground ground, StopSignals signals)
      : settings_(settings), ground_(std::move(ground)), signals_(std::move(signals)) {
    job_.mode = "run";
    job_.job_id = settings.govern.job_id.empty() ? cat("run-", getpid()) : govern::clean_job_id(settings.govern.job_id);
    job_.intent = settings.intent;
    job_.sla_eligible = settings.sla_eligible;
    job_.start = clock_.now();
  }

  int go() {
    const Status started = start();
    if (!started) {
      (void)ground_.attacher.remove_groups(outcome_.governed);
      say(cat("failed to start: ", started.error().message));
      end_.started = false;
      if (started.error().code == Errc::kNodeBusy) return kUsage;
      tell();
      return kFailed;
    }
    say_shortfalls(outcome_);
    return wait();
  }

 private:
  Status start() {
    FFRTMP_ASSIGN(const sys::ProcStat own, sys::read_own_stat(ground_.host));
    auto prepared = prepare(settings_.govern.limits, settings_.kill_on_exit, own.key());
    if (!prepared && may_do_without(prepared.error()))
      prepared = prepare_without(std::move(prepared).error(), settings_.kill_on_exit, own.key());
    if (!prepared) return std::move(prepared).error();
    outcome_ = prepared->outcome;
    FFRTMP_ASSIGN(sys::HeldChild held, hold_child(prepared->birth));
    job_.pid = held.pid();
    FFRTMP_ASSIGN(const sys::ProcStat stat, sys::read_stat(ground_.host, held.pid()));
    key_ = stat.key();
    FFRTMP_ASSIGN(govern::HeldClaim claim, take_claim(ground_, "run", key_, outcome_.governed));
    auto placed = ground_.attacher.place(std::move(*prepared), key_);
    if (!placed && may_do_without(placed.error())) {
      FFRTMP_ASSIGN(govern::Prepared rest, prepare_without(std::move(placed).error(), false, own.key()));
      placed = ground_.attacher.place(std::move(rest), key_);
    }
    if (!placed) return std::move(placed).error();
    outcome_ = std::move(placed).value();
    tell_missing();
    FFRTMP_TRY(claim.update(make_claim(ground_, "run", key_, outcome_.governed)));
    FFRTMP_ASSIGN(child_, std::move(held).release());
    claim_ = std::move(claim);
    end_.governance = outcome_.governance;
    return {};
  }

  Result<govern::Prepared> prepare(const govern::Limits& limits, bool can_kill, const sys::ProcessKey& own) {
    govern::AttachRequest request = make_request(settings_.govern, job_.job_id);
    request.limits = limits;
    request.can_kill = can_kill;
    return ground_.attacher.prepare(request, own);
  }

  // Without strict the program starts, whatever became of its limits.
  bool may_do_without(const Error& error) const {
    return !settings_.govern.strict && error.code != Errc::kNodeBusy && error.code != Errc::kGone;
  }

  // Of the limits those that need no group.
  Result<govern::Prepared> prepare_without(Error why, bool can_kill, const sys::ProcessKey& own) {
    missing_ = std::move(why);
    govern::Limits rest;
    rest.nice = settings_.govern.limits.nice;
    rest.oom_score_adj = settings_.govern.limits.oom_score_adj;
    return prepare(rest, can_kill, own);
  }

  void tell_missing() {
    if (!missing_) return;
    for (govern::LimitReport& report : govern::plan_limits(settings_.govern.limits, {}).refused) {
      report.status = missing_->code == Errc::kDenied ? govern::LimitStatus::kDenied : govern::LimitStatus::kFailed;
      report.err = missing_->sys;
      report.detail = missing_->message;
      outcome_.limits.push_back(std::move(report));
    }
    outcome_.governance = govern::decide_governance(outcome_.limits);
    outcome_.reason = "join_failed";
    outcome_.evidence = missing_->message;
  }

  Result<sys::HeldChild> hold_child(const sys::Fd& birth) const {
    sys::Command command;
    command.argv = settings_.command;
    command.env = sys::own_environment();
    command.cwd = settings_.workdir;
    command.fds = {{1, settings_.govern.json ? STDERR_FILENO : STDOUT_FILENO}, {2, STDERR_FILENO}};
    if (settings_.take_stdin) command.fds.push_back({0, STDIN_FILENO});
    command.die_with_parent = settings_.kill_on_exit;
    if (birth) command.cgroup_dir = birth.get();
    auto held = sys::spawn_held(command);
    if (held || !birth) return held;
    // The kernel may refuse births in a group of another owner: placing it there is tried next, and told.
    command.cgroup_dir = -1;
    return sys::spawn_held(command);
  }

  int wait() {
    const auto wake = signals_.wait(child_.pidfd, std::nullopt);
    if (wake.event == StopSignals::Event::kEnded) {
      const int code = reap();
      if (settings_.kill_on_exit) end_rest();
      finish();
      return code;
    }
    if (!settings_.kill_on_exit) return detach(wake.signal);
    end_.killed_by_wrapper = true;
    terminate();
    (void)reap();
    end_rest();
    finish();
    return 128 + wake.signal;
  }

  // The workload goes on in its limits; its claim says to a later governor where it came from.
  int detach(int signal) {
    say("Detaching (workload continues)...");
    end_.detached = true;
    claim_->keep();
    tell();
    return 128 + signal;
  }

  void signal_members(int signal) const {
    const auto members = ground_.attacher.members(outcome_.governed);
    if (!members) return;
    for (const sys::ProcessKey& member : *members) {
      const auto pidfd = sys::open_pidfd(ground_.host, member);
      if (pidfd) (void)sys::send_signal(*pidfd, signal);  // ended meanwhile
    }
  }

  bool is_empty() const {
    const auto members = ground_.attacher.members(outcome_.governed);
    return !members || members->empty();
  }

  bool wait_empty(milliseconds wait) const {
    const auto until = clock_.now().boot + wait;
    while (!is_empty()) {
      if (clock_.now().boot >= until) return false;
      std::this_thread::sleep_for(kPause);
    }
    return true;
  }

  // A second signal ends the grace.
  void terminate() {
    signal_members(SIGTERM);
    const auto wake = signals_.wait(child_.pidfd, settings_.kill_grace);
    if (wake.event != StopSignals::Event::kEnded) kill_now();
  }

  void kill_now() const {
    const Status killed = ground_.attacher.kill_group(outcome_.governed);
    if (!killed) say(cat("not all could be killed: ", killed.error().message));
  }

  // Helpers that outlive the program.
  void end_rest() {
    if (is_empty()) return;
    signal_members(SIGTERM);
    if (wait_empty(settings_.kill_grace)) return;
    kill_now();
    (void)wait_empty(kDeathWait);
  }

  int reap() {
    int status = 0;
    while (waitpid(child_.pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status)) {
      end_.signal = WTERMSIG(status);
      return 128 + *end_.signal;
    }
    end_.exit_code = WEXITSTATUS(status);
    return *end_.exit_code;
  }

  void finish() {
    end_.oom_kills = ground_.attacher.oom_kills(outcome_.governed).value_or(0);
    const bool is_over = is_empty();
    const Status removed = is_over ? ground_.attacher.remove_groups(outcome_.governed) : Status{};
    if (!removed) say(cat("group not removed: ", removed.error().message));
    // Helpers go on in the group: the claim stays, for the next governor to know what it is.
    if (is_over)
      claim_->release();
    else
      claim_->keep();
    tell();
  }

  void tell() {
    const std::string cgroup = ground_.attacher.directory(outcome_.governed);
    const govern::JobResult result = make_result(job_, end_, outcome_, cgroup, clock_.now());
    say_summary(result);
    publish(result, settings_.govern.json, ground_.runtime_dir);
  }

  const config::RunSettings& settings_;
  Ground ground_;
  StopSignals signals_;
  SystemClock clock_;
  Job job_;
  govern::JobEnd end_;
  govern::AttachOutcome outcome_;
  std::optional<Error> missing_;  // why there is no group
  sys::ProcessKey key_;
  sys::Child child_;
  std::optional<govern::HeldClaim> claim_;
};

}  // namespace

int run(const config::RunSettings& settings) { return go_on_ground<Run>(settings, "failed to start"); }

}  // namespace ffrtmp::launch
