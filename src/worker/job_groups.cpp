#include "worker/job_groups.h"

#include "base/log.h"
#include "base/text.h"
#include "govern/delegation.h"
#include "govern/limit_plan.h"

namespace ffrtmp::worker {

Result<std::unique_ptr<JobGovernor>> JobGovernor::open(const sys::Host& host) {
  auto layout = sys::read_cgroup_layout(host);
  if (!layout && layout.error().code != Errc::kUnsupported)
    log::warn("no limits for jobs, signals only", {{"reason", layout.error().message}});
  govern::AttacherSettings settings{host, layout ? std::move(layout).value() : sys::CgroupLayout{}, {}};
  FFRTMP_ASSIGN(const sys::ProcStat self, sys::read_own_stat(host));
  if (const auto entered = govern::enter_daemon_leaf(host, settings.layout); !entered)
    log::warn("cannot leave the delegated group, limits of jobs may be refused", {{"err", entered.error().message}});
  return std::unique_ptr<JobGovernor>(new JobGovernor(std::move(settings), self.key()));
}

JobGovernor::JobGovernor(govern::AttacherSettings settings, sys::ProcessKey self)
    : settings_(std::move(settings)), self_(self), attacher_(settings_) {}

Result<govern::Prepared> JobGovernor::prepare(const std::string& attempt, const model::Limits& limits) {
  govern::AttachRequest request;
  request.job_id = attempt;
  request.limits = limits;
  request.can_kill = true;
  return attacher_.prepare(request, self_);
}

JobGroups JobGovernor::make(const std::string& attempt, const model::Limits& limits) {
  const std::lock_guard lock(mutex_);
  JobGroups groups;
  auto prepared = prepare(attempt, limits);
  if (prepared) groups.limits = prepared->outcome.limits;
  if (!prepared) {
    // What is left is a group to freeze and to kill.
    for (govern::LimitReport& report : govern::plan_limits(limits, {}).refused) {
      report.status =
          prepared.error().code == Errc::kDenied ? govern::LimitStatus::kDenied : govern::LimitStatus::kFailed;
      report.err = prepared.error().sys;
      report.detail = prepared.error().message;
      groups.limits.push_back(std::move(report));
    }
  }
  if (!prepared || prepared->outcome.governed.groups.empty()) prepared = prepare(attempt, {});
  if (!prepared) {
    log::warn("no group for a job, signals only", {{"attempt_id", attempt}, {"reason", prepared.error().message}});
    return groups;
  }
  groups.governed = prepared->outcome.governed;
  groups.oom_file = attacher_.oom_file(groups.governed);
  for (const govern::Group& group : groups.governed.groups) {
    const sys::Hierarchy* hierarchy = settings_.layout.find(group.hierarchy);
    if (hierarchy == settings_.layout.unified())
      groups.cgroup = hierarchy->directory_of(group.path);
    else
      groups.joins.push_back(
          {hierarchy->directory_of(group.path), hierarchy->directory_of(prepared->original.at(group.hierarchy))});
  }
  return groups;
}

void JobGovernor::remove(const JobGroups& groups) {
  if (groups.governed.groups.empty()) return;
  const std::lock_guard lock(mutex_);
  if (const Status removed = attacher_.remove_groups(groups.governed); !removed)
    log::warn("a job's group remains", {{"err", removed.error().message}});
}

void JobGovernor::remove_left(const std::string& attempt) {
  const std::lock_guard lock(mutex_);
  attacher_.remove_left(attempt, self_);
}

}  // namespace ffrtmp::worker
