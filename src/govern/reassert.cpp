// Compares what is wanted with what is there, and makes the difference go away.
#include <algorithm>
#include <cerrno>

#include "base/fault.h"
#include "base/text.h"
#include "govern/attacher.h"
#include "govern/job_dir.h"
#include "govern/memory_terms.h"
#include "govern/open_groups.h"
#include "govern/priorities.h"
#include "sys/cgroup_dir.h"
#include "sys/path.h"
#include "sys/priority.h"

namespace ffrtmp::govern {
namespace {

using sys::CgroupDir;
using sys::CgroupVersion;
using sys::Hierarchy;

const LimitReport* find(const std::vector<LimitReport>& reports, LimitName limit) {
  const auto at =
      std::find_if(reports.begin(), reports.end(), [&](const LimitReport& report) { return report.limit == limit; });
  return at == reports.end() ? nullptr : &*at;
}

// What kept a limit from being in force; 0: it is. A value that did not stay has no errno of its own.
int error_of(const LimitReport& report) {
  if (is_in_force(report)) return 0;
  return report.err != 0 ? report.err : EINVAL;
}

// What is to be said of `limits` when there is no group to read them from.
std::vector<LimitReport> reports_without_groups(const Limits& limits, const Error* why) {
  std::vector<LimitReport> reports = plan_limits(limits, {}).refused;
  for (LimitReport& report : reports) {
    report.status = why == nullptr ? LimitStatus::kDenied : LimitStatus::kFailed;
    report.err = why == nullptr ? 0 : why->sys;
    report.detail = why == nullptr ? "there is no group for it" : why->message;
  }
  return reports;
}

// Hierarchies in whose group a member does not stand, and where it stands.
std::map<std::string, Error> find_outside(const AttacherSettings& settings, const Governed& governed) {
  std::map<std::string, Error> outside;
  for (const Original& member : governed.members) {
    const auto stat = sys::read_stat(settings.host, member.key().pid);
    const auto now = sys::read_membership(settings.host, member.key().pid);
    if (!stat || !now || stat->key() != member.key() || stat->has_ended()) continue;
    for (const Group& group : governed.groups) {
      const auto own = now->find(group.hierarchy);
      if (own != now->end() && !sys::is_at_or_below(own->second, group.path))
        outside.emplace(group.hierarchy,
                        make_error(Errc::kNodeBusy, cat("process ", member.pid, " is in ", own->second)));
    }
  }
  return outside;
}

// Limits of a group that a process is kept out of do not hold it, whatever their files say. `outside`: why, by
// hierarchy.
void tell_outside(const sys::CgroupLayout& layout, const std::map<std::string, Error>& outside,
                  std::vector<LimitReport>& reports) {
  for (LimitReport& report : reports) {
    const auto controller = controller_of(report.limit);
    if (!controller) continue;
    const Hierarchy* hierarchy = layout.of_controller(kernel_name(*controller, CgroupVersion::kV2));
    const auto why = hierarchy == nullptr ? outside.end() : outside.find(hierarchy->name);
    if (why == outside.end() || !is_in_force(report)) continue;
    report.status = LimitStatus::kFailed;
    report.err = why->second.sys;
    report.detail = cat("not in its group: ", why->second.message);
  }
}

class Reasserter {
 public:
  Reasserter(const AttacherSettings& settings, Governed& governed) : settings_(settings), governed_(governed) {}

  Result<Reassertion> run() {
    if (governed_.members.empty()) return make_error(Errc::kGone, "nobody is governed");
    FFRTMP_TRY(check_identity(governed_.members.front()));
    reassert_places();
    reassert_limits();
    reassert_priorities();
    result_.governance = decide_governance(result_.limits);
    const std::vector<LimitName> short_now = find_shortfalls(result_.limits);
    std::erase_if(governed_.shortfalls, [&](LimitName limit) {
      return std::find(short_now.begin(), short_now.end(), limit) == short_now.end();
    });
    return std::move(result_);
  }

 private:
  Status check_identity(const Original& member) const {
    FFRTMP_ASSIGN(const sys::ProcStat stat, sys::read_stat(settings_.host, member.key().pid));
    if (stat.key() != member.key() || stat.has_ended())
      return make_error(Errc::kGone, cat("process ", member.pid, " has ended"));
    return {};
  }

  // It was in force once.
  bool was_in_force(const LimitReport& report) const {
    const auto& never = governed_.shortfalls;
    return std::find(never.begin(), never.end(), report.limit) == never.end();
  }

  void note(Drift drift, const Status& status) {
    if (!status) drift.err = status.error().sys != 0 ? status.error().sys : EIO;
    result_.drifts.push_back(std::move(drift));
  }

  Status move_back(pid_t pid, const Group& group) const {
    const Hierarchy* hierarchy = settings_.layout.find(group.hierarchy);
    if (hierarchy == nullptr) return sys_error(cat("no hierarchy ", group.hierarchy), ENOENT);
    FFRTMP_TRY(fault::check("move", cat(pid)));
    auto dir = CgroupDir::open(hierarchy->directory_of(group.path));
    if (!dir) dir = make_job_dir(*hierarchy, base_of(group.path), governed_.job_id);
    if (!dir) return dir.error();
    return dir->add(pid);
  }

  // A process that another governor of ours took is his.
  void reassert_places() {
    for (const Original& member : governed_.members) {
      if (governed_.groups.empty() || !check_identity(member)) continue;
      const auto membership = sys::read_membership(settings_.host, member.key().pid);
      if (!membership) continue;
      for (const Group& group : governed_.groups) {
        const auto own = membership->find(group.hierarchy);
        if (own == membership->end() || sys::is_at_or_below(own->second, group.path)) continue;
        const Status back = Attacher::job_of_group(own->second) ? Status(sys_error("another job has it", EBUSY))
                                                                : move_back(member.key().pid, group);
        note({DriftKind::kMembership, group.hierarchy, own->second, group.path, 0}, back);
        if (!back) outside_.insert_or_assign(group.hierarchy, back.error());
      }
    }
  }

  MemoryDecision decide_memory(const OpenGroups& groups) const {
    MemoryDecision as_asked;
    as_asked.hard_bytes = governed_.limits.memory_limit_bytes;
    auto facts = groups.memory_facts();
    if (!as_asked.hard_bytes || !facts) return as_asked;
    const std::string& hierarchy = groups.capabilities().controllers.at(Controller::kMemory).hierarchy;
    const auto pids = groups.dirs().at(hierarchy)->procs();
    if (pids)
      for (const pid_t pid : *pids) facts->held_bytes += sys::read_resident_bytes(settings_.host, pid).value_or(0);
    return decide_late_memory(*governed_.limits.memory_limit_bytes, *facts, governed_.late_memory);
  }

  // v2: a limit that is new may need controllers that were never on, and a manager that owns the groups above may have
  // switched some off; their files are not there then. What is switched on where the processes came from is written
  // down, as it has to be off again before they can go back.
  bool enable_missing() {
    bool any = false;
    for (Group& group : governed_.groups) {
      const Hierarchy* hierarchy = settings_.layout.find(group.hierarchy);
      if (hierarchy == nullptr || hierarchy->version == CgroupVersion::kV1) continue;
      std::vector<std::string> names;
      for (const Controller controller : controllers_for(governed_.in_force())) {
        const std::string_view name = kernel_name(controller, CgroupVersion::kV2);
        if (hierarchy->has(name)) names.emplace_back(name);
      }
      const std::string base = base_of(group.path);
      std::vector<std::string> added;
      any = enable_controllers(*hierarchy, base, names, added).has_value() || any;
      if (group.enabled_in != base) continue;
      std::erase_if(added, [&](const std::string& name) {
        return std::find(group.enabled.begin(), group.enabled.end(), name) != group.enabled.end();
      });
      group.enabled.insert(group.enabled.end(), added.begin(), added.end());
    }
    return any;
  }

  void reassert_limits() {
    const Limits asked = governed_.in_force();
    auto opened = OpenGroups::open(settings_, governed_.groups, asked);
    if (governed_.groups.empty() || !opened) {
      result_.limits = reports_without_groups(asked, opened ? nullptr : &opened.error());
      for (const LimitReport& report : result_.limits)
        if (was_in_force(report))
          result_.drifts.push_back(
              {DriftKind::kLimit, std::string(name_of(report.limit)), report.detail, "a group", error_of(report)});
      return;
    }
    OpenGroups groups = std::move(opened).value();
    const MemoryDecision memory = decide_memory(groups);
    const Limits terms = limits_in_terms(asked, memory);
    result_.uncovered_bytes = memory.uncovered_bytes;
    const std::vector<LimitReport> found = groups.read(terms);
    std::vector<LimitReport> now = found;
    if (!std::all_of(found.begin(), found.end(), is_in_force)) {
      const bool misses_files = std::any_of(found.begin(), found.end(), [](const LimitReport& report) {
        return report.status == LimitStatus::kUnsupported;
      });
      if (misses_files && enable_missing())
        if (auto again = OpenGroups::open(settings_, governed_.groups, asked)) groups = std::move(again).value();
      now = groups.write(terms);
    }
    if (const LimitReport* hard = find(now, LimitName::kMemoryLimit);
        memory.lifts_high && !asked.memory_high_bytes && hard != nullptr && is_in_force(*hard)) {
      Limits high;
      high.memory_high_bytes = asked.memory_limit_bytes;
      groups.reset(high);
    }
    for (const LimitReport& before : found) {
      if (is_in_force(before) || !was_in_force(before)) continue;
      const LimitReport* after = find(now, before.limit);
      Drift drift{DriftKind::kLimit, std::string(name_of(before.limit)), before.observed, before.wanted, 0};
      if (after != nullptr) drift.err = error_of(*after);
      if (before.status != LimitStatus::kUnsupported || drift.err == 0) result_.drifts.push_back(std::move(drift));
    }
    result_.limits = reports_in_terms(std::move(now), asked, memory);
    tell_outside(settings_.layout, outside_, result_.limits);
  }

  void reassert_priority(DriftKind kind, const std::optional<LimitReport>& before,
                         const std::optional<LimitReport>& after) {
    if (!before) return;
    const LimitReport& now = after ? *after : *before;
    if (!is_in_force(*before) && was_in_force(*before))
      result_.drifts.push_back(
          {kind, std::string(name_of(before->limit)), before->observed, before->wanted, error_of(now)});
    const auto known = std::find_if(result_.limits.begin(), result_.limits.end(),
                                    [&](const LimitReport& other) { return other.limit == now.limit; });
    if (known == result_.limits.end())
      result_.limits.push_back(now);
    else if (now.status > known->status)
      *known = now;
  }

  void reassert_priorities() {
    for (const Original& member : governed_.members) {
      if (!check_identity(member)) continue;
      const auto before = read_priorities(settings_.host, member.key().pid, governed_.limits);
      if (!before) continue;
      const bool all_set = (!before->nice || is_in_force(*before->nice)) &&
                           (!before->oom_score_adj || is_in_force(*before->oom_score_adj));
      PriorityChange after = *before;
      if (!all_set) {
        auto changed = apply_priorities(settings_.host, member.key().pid, governed_.limits);
        if (changed) after = std::move(changed).value();
      }
      reassert_priority(DriftKind::kNice, before->nice, after.nice);
      reassert_priority(DriftKind::kOomScoreAdj, before->oom_score_adj, after.oom_score_adj);
    }
  }

  const AttacherSettings& settings_;
  Governed& governed_;
  Reassertion result_;
  std::map<std::string, Error> outside_;  // hierarchies in whose group a process cannot be kept, and why
};

}  // namespace

Result<Reassertion> Attacher::reassert(Governed& governed) { return Reasserter(settings_, governed).run(); }

Result<std::vector<LimitReport>> Attacher::read_back(const Governed& governed) const {
  const Limits limits = governed.in_force();
  const auto groups = OpenGroups::open(settings_, governed.groups, limits);
  std::vector<LimitReport> reports = groups && !governed.groups.empty()
                                         ? groups->read(limits)
                                         : reports_without_groups(limits, groups ? nullptr : &groups.error());
  tell_outside(settings_.layout, find_outside(settings_, governed), reports);
  if (governed.members.empty()) return reports;
  const pid_t pid = governed.members.front().key().pid;
  FFRTMP_ASSIGN(const PriorityChange priorities, read_priorities(settings_.host, pid, governed.limits));
  if (priorities.nice) reports.push_back(*priorities.nice);
  if (priorities.oom_score_adj) reports.push_back(*priorities.oom_score_adj);
  return reports;
}

namespace {

// What is asked for, and memory.high where late_memory may have set it in the hard limit's place.
Limits may_stand_in_files(const Governed& governed) {
  Limits limits = governed.in_force();
  if (governed.late_memory == LateMemory::kHigh && !limits.memory_high_bytes)
    limits.memory_high_bytes = limits.memory_limit_bytes;
  return limits;
}

// Takes back what is not asked for any more, sets what is, and remembers what was before us.
void change_priorities(const sys::Host& host, Original& member, const Limits& before, const Limits& now) {
  const pid_t pid = member.key().pid;
  if (before.nice && before.nice != now.nice) {
    const auto own = member.nice.find(cat(pid));
    const int for_others = own == member.nice.end() ? *before.nice : own->second;
    (void)restore_nice(host, pid, member.nice, for_others, *before.nice);
  }
  if (before.oom_score_adj && !now.oom_score_adj && member.oom_score_adj)
    (void)sys::write_oom_score_adj(host, pid, *member.oom_score_adj);
  const auto changed = apply_priorities(host, pid, now);
  if (!changed) return;
  if (!now.nice) member.nice.clear();
  member.nice.insert(changed->nice_before.begin(), changed->nice_before.end());
  if (!now.oom_score_adj) member.oom_score_adj.reset();
  if (!member.oom_score_adj) member.oom_score_adj = changed->oom_score_adj_before;
}

}  // namespace

void Attacher::leave_joined(const Governed& before, Governed now) {
  std::erase_if(now.groups, [&](const Group& group) {
    return std::any_of(before.groups.begin(), before.groups.end(),
                       [&](const Group& known) { return known.hierarchy == group.hierarchy; });
  });
  now.limits.nice.reset();
  now.limits.oom_score_adj.reset();
  (void)restore(now);  // why the change failed is what is told
}

Result<AttachOutcome> Attacher::change(const Governed& governed, const ChangeRequest& request) {
  AttachOutcome outcome;
  outcome.governed = governed;
  outcome.governed.limits = request.limits;
  outcome.governed.late_memory = request.late_memory;
  // First, as it may fail: the old limits go on holding then.
  FFRTMP_ASSIGN(const bool is_admitted, join_more(outcome, request.placement));
  if (!is_admitted) return outcome;
  const Limits before = may_stand_in_files(governed);
  // A group that is gone is made again by the reassertion.
  const auto groups = OpenGroups::open(settings_, governed.groups, before);
  if (groups) groups->take_back(before, may_stand_in_files(outcome.governed));
  for (Original& member : outcome.governed.members) {
    const auto stat = sys::read_stat(settings_.host, member.key().pid);
    if (stat && stat->key() == member.key()) change_priorities(settings_.host, member, governed.limits, request.limits);
  }
  auto reassertion = reassert(outcome.governed);
  if (!reassertion) {
    leave_joined(governed, std::move(outcome.governed));
    return std::move(reassertion).error();
  }
  outcome.limits = std::move(reassertion->limits);
  outcome.governance = reassertion->governance;
  outcome.uncovered_bytes = reassertion->uncovered_bytes;
  outcome.governed.shortfalls = find_shortfalls(outcome.limits);
  if (outcome.reason.empty()) give_reason(outcome);
  return outcome;
}

}  // namespace ffrtmp::govern
