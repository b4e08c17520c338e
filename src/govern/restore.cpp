// Puts processes back where they came from.
#include <algorithm>
#include <set>

#include "base/fault.h"
#include "base/text.h"
#include "govern/attacher.h"
#include "govern/job_dir.h"
#include "govern/open_groups.h"
#include "govern/priorities.h"
#include "sys/cgroup_dir.h"
#include "sys/path.h"
#include "sys/priority.h"

namespace ffrtmp::govern {
namespace {

using sys::CgroupDir;
using sys::Hierarchy;

// A process may fork between the listing and its move: again until the group is empty.
constexpr int kPasses = 5;

class Restorer {
 public:
  Restorer(const AttacherSettings& settings, const Governed& governed, LeftParents& left_parents)
      : settings_(settings), governed_(governed), left_parents_(left_parents) {}

  RestoreReport run() {
    for (const Group& group : governed_.groups) empty(group);
    for (const Original& member : governed_.members) {
      restore_priorities(member.key(), member);
      others_.erase(member.key());
    }
    if (!governed_.members.empty())
      for (const sys::ProcessKey& key : others_) restore_priorities(key, governed_.members.front());
    for (const Group& group : governed_.groups) remove(group);
    return std::move(report_);
  }

 private:
  void fail(std::string what) { report_.failures.push_back(std::move(what)); }

  const Original* find_member(pid_t pid) const {
    const auto at = std::find_if(governed_.members.begin(), governed_.members.end(),
                                 [&](const Original& member) { return member.pid == pid; });
    return at == governed_.members.end() ? nullptr : &*at;
  }

  // Where a process of the group goes: where it was, or, born since, where the first member was.
  std::string home_of(pid_t pid, const std::string& hierarchy) const {
    const Original* member = find_member(pid);
    for (const Original* candidate : {member, governed_.members.empty() ? nullptr : &governed_.members.front()}) {
      if (candidate == nullptr) continue;
      const auto path = candidate->cgroup.find(hierarchy);
      if (path != candidate->cgroup.end()) return path->second;
    }
    return {};
  }

  // The process is still in our group: otherwise it is another one with its pid, or somebody took it away.
  bool is_in(pid_t pid, const Group& group) const {
    const auto membership = sys::read_membership(settings_.host, pid);
    if (!membership) return false;
    const auto own = membership->find(group.hierarchy);
    return own != membership->end() && sys::is_at_or_below(own->second, group.path);
  }

  Status move(pid_t pid, const Hierarchy& hierarchy, const std::string& home) const {
    FFRTMP_TRY(fault::check("move", cat(pid)));
    FFRTMP_ASSIGN(const CgroupDir dir, CgroupDir::open(hierarchy.directory_of(home)));
    return dir.add(pid);
  }

  void empty(const Group& group) {
    const Hierarchy* hierarchy = settings_.layout.find(group.hierarchy);
    if (hierarchy == nullptr) return;
    const auto dir = CgroupDir::open(hierarchy->directory_of(group.path));
    if (!dir) return;
    // v2 takes no process into a group with controllers switched on for its children.
    if (const Status off = disable_controllers(*hierarchy, group.enabled_in, group.enabled); !off)
      fail(off.error().message);
    std::set<pid_t> stuck;
    bool any = true;
    for (int pass = 0; any && pass < kPasses; ++pass) {
      const auto pids = dir->procs();
      if (!pids) return;
      any = false;
      for (const pid_t pid : *pids) {
        if (stuck.contains(pid) || !is_in(pid, group)) continue;
        any = true;
        if (const auto stat = sys::read_stat(settings_.host, pid)) others_.insert(stat->key());
        const std::string home = home_of(pid, group.hierarchy);
        const Status moved =
            home.empty() ? Status(make_error(Errc::kGone, "its group is not known")) : move(pid, *hierarchy, home);
        if (moved || !is_in(pid, group)) continue;
        stuck.insert(pid);
        fail(cat("process ", pid, " stays in ", dir->path(), ": ", moved.error().message));
      }
    }
    if (any) fail(cat("new processes keep appearing in ", dir->path()));
    if (any || !stuck.empty()) lift(group);
  }

  void lift(const Group& group) {
    const auto groups = OpenGroups::open(settings_, {group}, governed_.in_force());
    if (!groups) return;
    // What its processes had before us goes on holding.
    Limits asked = governed_.limits;
    Limits inherited;
    inherited.pids_max = governed_.inherited_pids_max;
    if (inherited.pids_max) asked.pids_max.reset();
    (void)groups->write(inherited);
    groups->reset(asked);
    report_.limits_reset = true;
  }

  void restore_priorities(const sys::ProcessKey& key, const Original& original) {
    const auto stat = sys::read_stat(settings_.host, key.pid);
    if (!stat || stat->key() != key) return;
    const pid_t pid = key.pid;
    const Limits& limits = governed_.limits;
    if (limits.nice && !original.nice.empty()) {
      const auto own = original.nice.find(cat(original.pid));
      const int for_others = own == original.nice.end() ? *limits.nice : own->second;
      const Status status = restore_nice(settings_.host, pid, original.nice, for_others, *limits.nice);
      if (!status && status.error().code != Errc::kGone) fail(status.error().message);
    }
    if (limits.oom_score_adj && original.oom_score_adj) {
      const auto now = sys::read_oom_score_adj(settings_.host, pid);
      if (!now || *now != *limits.oom_score_adj) return;
      const Status status = sys::write_oom_score_adj(settings_.host, pid, *original.oom_score_adj);
      if (!status && status.error().code != Errc::kGone) fail(status.error().message);
    }
  }

  void remove(const Group& group) {
    const Hierarchy* hierarchy = settings_.layout.find(group.hierarchy);
    if (hierarchy == nullptr) return;
    const Status status = left_parents_.remove_emptied_job(*hierarchy, group.path);
    if (!status) fail(status.error().message);
  }

  const AttacherSettings& settings_;
  const Governed& governed_;
  LeftParents& left_parents_;
  RestoreReport report_;
  std::set<sys::ProcessKey> others_;  // found in the groups, members or not
};

}  // namespace

RestoreReport Attacher::restore(const Governed& governed) { return Restorer(settings_, governed, left_parents_).run(); }

}  // namespace ffrtmp::govern
