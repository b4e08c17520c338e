#include "launch/attach.h"

#include <unistd.h>

#include "base/text.h"
#include "govern/job_id.h"
#include "json/json.h"
#include "launch/ground.h"
#include "launch/report.h"
#include "launch/stop_signals.h"
#include "sys/pid_fd.h"
#include "sys/priority.h"

namespace ffrtmp::launch {
namespace {

constexpr pid_t kKthreadd = 2;  // parent of all kernel threads

class Attach {
 public:
  Attach(const config::AttachSettings& settings, Ground ground, StopSignals signals)
      : settings_(settings), ground_(std::move(ground)), signals_(std::move(signals)) {
    job_.mode = "attach";
    job_.job_id =
        settings.govern.job_id.empty() ? cat("attach-", settings.pid) : govern::clean_job_id(settings.govern.job_id);
    job_.pid = settings.pid;
    job_.start = clock_.now();
    end_.is_ours = false;
  }

  int go() {
    const Status attached = take_over();
    if (!attached) {
      say(cat("failed to attach: ", attached.error().message));
      end_.attached = false;
      tell();
      return kFailed;
    }
    end_.governance = outcome_.governance;
    say_shortfalls(outcome_);
    const bool in_force = outcome_.governance != govern::Governance::kObserve;
    say(cat(in_force ? "✓ Attached to" : "Observing", " PID ", job_.pid, " (job: ", job_.job_id, ")"));
    watch();
    return 0;
  }

 private:
  Status take_over() {
    const auto stat = sys::read_stat(ground_.host, settings_.pid);
    if (!stat || stat->has_ended()) return make_error(Errc::kGone, cat("process ", settings_.pid, " does not exist"));
    if (stat->ppid == kKthreadd || stat->pid == kKthreadd)
      return make_error(Errc::kInvalid, cat("process ", settings_.pid, " is a kernel thread"));
    if (stat->pid == getpid()) return make_error(Errc::kInvalid, "this is the command itself");
    FFRTMP_ASSIGN(pidfd_, sys::open_pidfd(ground_.host, stat->key()));
    govern::AttachRequest request = make_request(settings_.govern, job_.job_id);
    request.process = stat->key();
    request.children = settings_.children;
    FFRTMP_ASSIGN(request.late_memory, json::parse_enum<govern::LateMemory>(settings_.late_memory));
    FFRTMP_ASSIGN(const govern::Governed announced, announce(request));
    FFRTMP_ASSIGN(govern::HeldClaim claim, take_claim(ground_, "attach", stat->key(), announced));
    FFRTMP_ASSIGN(outcome_, ground_.attacher.attach(request));
    key_ = stat->key();
    claim_ = std::move(claim);
    if (Status written = write_claim(); !written) {
      let_go();  // behind a death of this command nobody could
      return written;
    }
    return {};
  }

  Status write_claim() { return claim_->update(make_claim(ground_, "attach", key_, outcome_.governed)); }

  // What a later governor needs to put the process back, should this command die in the middle of the attach.
  Result<govern::Governed> announce(const govern::AttachRequest& request) const {
    govern::Governed announced;
    announced.job_id = request.job_id;
    announced.limits = request.limits;
    govern::Original original;
    original.pid = request.process.pid;
    original.start_ticks = static_cast<std::int64_t>(request.process.start_ticks);
    FFRTMP_ASSIGN(original.cgroup, sys::read_membership(ground_.host, request.process.pid));
    if (request.limits.nice)
      if (const auto nice = sys::read_nice(request.process.pid)) original.nice[cat(request.process.pid)] = *nice;
    if (request.limits.oom_score_adj) {
      FFRTMP_ASSIGN(original.oom_score_adj, sys::read_oom_score_adj(ground_.host, request.process.pid));
    }
    announced.members.push_back(std::move(original));
    return announced;
  }

  void watch() {
    for (;;) {
      const auto wake = signals_.wait(pidfd_, settings_.reconcile_interval);
      if (wake.event == StopSignals::Event::kTimeout) {
        reassert();
        continue;
      }
      end_.detached = wake.event == StopSignals::Event::kSignal;
      break;
    }
    end_.governance = outcome_.governance;
    end_.oom_kills = ground_.attacher.oom_kills(outcome_.governed).value_or(0);
    const std::string cgroup = ground_.attacher.directory(outcome_.governed);
    if (end_.detached && settings_.on_stop == "keep")
      claim_->keep();
    else
      let_go();
    tell(cgroup);
  }

  void reassert() {
    const std::vector<govern::Group> groups = outcome_.governed.groups;
    const auto done = ground_.attacher.reassert(outcome_.governed);
    if (const Status written = outcome_.governed.groups == groups ? Status{} : write_claim(); !written)
      say(cat("the claim cannot be written: ", written.error().message));
    if (!done && done.error().code == Errc::kGone) return;  // the next wait tells
    if (!done) return lose_sight(done.error());
    for (const govern::Drift& drift : done->drifts)
      say(cat("Drift: ", drift.what, " was ", drift.observed, ", ", drift.err == 0 ? "is " : "could not be made ",
              drift.wanted, drift.err == 0 ? " again" : ""));
    const bool stays_full =
        outcome_.governance == govern::Governance::kFull && done->governance == govern::Governance::kFull;
    outcome_.limits = done->limits;
    outcome_.governance = done->governance;
    outcome_.uncovered_bytes = done->uncovered_bytes;
    if (!outcome_.governed.groups.empty() && !stays_full) tell_reason();
  }

  // What cannot be read back is not known to be applied.
  void lose_sight(const Error& error) {
    say(cat("Limits cannot be looked at: ", error.message));
    for (govern::LimitReport& report : outcome_.limits) {
      report.status = govern::LimitStatus::kFailed;
      report.err = error.sys;
      report.detail = error.message;
    }
    outcome_.governance = govern::decide_governance(outcome_.limits);
    tell_reason();
  }

  void tell_reason() {
    outcome_.reason.clear();
    outcome_.evidence.clear();
    govern::give_reason(outcome_);
  }

  // Also of a process that ended: its children may be left in the group.
  void let_go() {
    const govern::RestoreReport report = ground_.attacher.restore(outcome_.governed);
    for (const std::string& failure : report.failures) say(cat("not restored: ", failure));
    say(cat("⊗ Detached from PID ", job_.pid, " (job: ", job_.job_id, ")"));
    claim_->release();
  }

  void tell(const std::string& cgroup = {}) {
    const govern::JobResult result = make_result(job_, end_, outcome_, cgroup, clock_.now());
    if (end_.attached) say_summary(result);
    publish(result, settings_.govern.json, ground_.runtime_dir);
  }

  const config::AttachSettings& settings_;
  Ground ground_;
  StopSignals signals_;
  SystemClock clock_;
  Job job_;
  govern::JobEnd end_;
  govern::AttachOutcome outcome_;
  sys::ProcessKey key_;
  sys::Fd pidfd_;
  std::optional<govern::HeldClaim> claim_;
};

}  // namespace

int attach(const config::AttachSettings& settings) { return go_on_ground<Attach>(settings, "failed to attach"); }

}  // namespace ffrtmp::launch
