#pragma once
// The only hand that puts limits on processes: for watch, run, attach and the worker's jobs alike.
//
//   attach   facts -> place -> group -> limits -> identity -> move -> nice, oom_score_adj -> read back
//   reassert compares all that with what is there now, and writes again what drifted
//   restore  puts every member back where it came from and removes the group
//
// No signal is sent but by kill_group. A process that vanished is kGone. Errors keep their errno (Error::sys) for
// error_class.h. One thread at a time. Each step can be broken for tests: fault ops mkdir, write, move, nice.
#include <sys/types.h>

#include <boost/describe.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "govern/job_dir.h"
#include "govern/late_memory.h"
#include "govern/left_parents.h"
#include "govern/limit_plan.h"
#include "govern/limits.h"
#include "govern/open_controls.h"
#include "govern/placement.h"
#include "sys/cgroup_layout.h"
#include "sys/fd.h"
#include "sys/host.h"
#include "sys/proc_fs.h"

namespace ffrtmp::govern {

// One process as it was before we touched it; only what was changed is in it.
struct Original {
  std::int64_t pid = 0;
  std::int64_t start_ticks = 0;
  std::map<std::string, std::string> cgroup;  // hierarchy -> path
  std::map<std::string, int> nice;            // TID -> nice
  std::optional<int> oom_score_adj;

  [[nodiscard]] sys::ProcessKey key() const {
    return {static_cast<pid_t>(pid), static_cast<std::uint64_t>(start_ticks)};
  }
  bool operator==(const Original&) const = default;
};
BOOST_DESCRIBE_STRUCT(Original, (), (pid, start_ticks, cgroup, nice, oom_score_adj))

// A group of ours in one hierarchy.
struct Group {
  std::string hierarchy;
  std::string path;  // in the hierarchy, "/a/ffrtmp/job"
  // Controllers that we switched on for it, and the group they were switched on in ("" none): switched off again before
  // its processes go back.
  std::vector<std::string> enabled;
  std::string enabled_in;
  bool operator==(const Group&) const = default;
};
BOOST_DESCRIBE_STRUCT(Group, (), (hierarchy, path, enabled, enabled_in))

// Everything that reassert and restore need; goes into claims and the state file as it is.
struct Governed {
  std::string job_id;
  Limits limits;  // as asked
  // A finite pids.max that its processes left behind, which stands in their group instead. No change of `limits` lifts
  // it.
  std::optional<std::int64_t> inherited_pids_max;
  LateMemory late_memory = LateMemory::kObserve;
  std::vector<Group> groups;      // empty: not moved
  std::vector<Original> members;  // the attached process first
  // Limits that never came into force: nobody undid them.
  std::vector<LimitName> shortfalls;

  // What has to stand in the groups: `limits`, and the inherited one where that is tighter.
  [[nodiscard]] Limits in_force() const;
};
BOOST_DESCRIBE_STRUCT(Governed, (), (job_id, limits, inherited_pids_max, late_memory, groups, members, shortfalls))

struct AttachRequest {
  sys::ProcessKey process;
  std::string job_id;  // cleaned (govern/job_id.h)
  Limits limits;
  Placement placement = Placement::kNested;
  LateMemory late_memory = LateMemory::kObserve;
  bool children = false;  // its descendants too, but for those that would leave a limit of their own behind
  bool strict = false;    // any shortfall undoes it all and is the error
  bool can_kill = false;  // joins what `kill_group` needs
};

// The process of a request as its caller holds it: by a descriptor that is known to be that one's, and in the groups
// that were read a moment ago.
struct HeldProcess {
  const sys::Fd& pidfd;
  const sys::Membership& membership;
};

// What may be asked anew of a job that is governed already.
struct ChangeRequest {
  Limits limits;
  Placement placement = Placement::kNested;  // of groups that are needed besides those there are
  // What a memory limit does to the job's processes where they hold more. kRefuse: the old limit goes on holding.
  LateMemory late_memory = LateMemory::kObserve;
};

struct AttachOutcome {
  Governed governed;
  Governance governance = Governance::kObserve;
  std::string reason;    // why it is not full: "would_escape_limits", …; or that a child was left where it is
  std::string evidence;  // what was seen
  std::vector<LimitReport> limits;
  std::int64_t uncovered_bytes = 0;  // held by the process before the memory limit came, not covered by it
};

enum class DriftKind : std::uint8_t { kMembership, kLimit, kNice, kOomScoreAdj };
BOOST_DESCRIBE_ENUM(DriftKind, kMembership, kLimit, kNice, kOomScoreAdj)
// Something that was not as we left it.
struct Drift {
  DriftKind kind = DriftKind::kLimit;
  std::string what;      // hierarchy, or file, or "tid 17"
  std::string observed;  // what another writer made of it
  std::string wanted;
  int err = 0;  // errno of writing it again, 0: it is as wanted again
};
struct Reassertion {
  std::vector<Drift> drifts;  // empty: all as it was left; a limit that never came into force is none
  std::vector<LimitReport> limits;
  Governance governance = Governance::kObserve;
  std::int64_t uncovered_bytes = 0;
};

// The first limit that is not applied, as the reason why governance is not full.
void give_reason(AttachOutcome& outcome);

// What could not be put back; empty when all is.
struct RestoreReport {
  std::vector<std::string> failures;
  bool limits_reset = false;  // a process could not be moved back: it stays in the group, whose limits were lifted
};

// Groups of a job, with limits written, before a process is in them.
struct Prepared {
  AttachRequest request;
  AttachOutcome outcome;
  sys::Membership original;  // where its process would be without us
  sys::Fd birth;             // directory of the unified group for CLONE_INTO_CGROUP; none without such a group
};

struct AttacherSettings {
  sys::Host host;
  sys::CgroupLayout layout;
  std::string cgroup_root;  // --cgroup-root, as find_root_base takes it (govern/place_facts.h); "": detect
  // What calls clear_parents() later; without it "ffrtmp" goes with the last job in it (govern/left_parents.h).
  std::function<void()> on_parent_kept = {};
};

// Of find_root_base (govern/place_facts.h), by hierarchy.
using RootBases = std::map<std::string, std::optional<std::string>>;

class Attacher {
 public:
  explicit Attacher(AttacherSettings settings);

  // Errors: kGone; kNodeBusy when another job has the process or the job id; a failed join (the groups are removed
  // again); with strict any shortfall. Not being allowed to limit at all is an outcome (kObserve), not an error.
  [[nodiscard]] Result<AttachOutcome> attach(const AttachRequest& request);
  [[nodiscard]] Result<AttachOutcome> attach(const AttachRequest& request, const HeldProcess& held);

  // In two halves, for a process that is not there yet: `like` is where it would be born (the caller itself).
  [[nodiscard]] Result<Prepared> prepare(const AttachRequest& request, const sys::ProcessKey& like);
  [[nodiscard]] Result<AttachOutcome> place(Prepared prepared, const sys::ProcessKey& process);

  // What comes into force meanwhile is no shortfall of the job any more.
  // Errors: kGone when the process has ended, what keeps it from being looked at. A group that cannot be made or
  // entered again is drift, and its limits have failed.
  [[nodiscard]] Result<Reassertion> reassert(Governed& governed);
  // Other limits for a governed job, written in place: nothing is moved unless another hierarchy is needed for them.
  [[nodiscard]] Result<AttachOutcome> change(const Governed& governed, const ChangeRequest& request);
  [[nodiscard]] RestoreReport restore(const Governed& governed);
  // The reports as of now, nothing written.
  [[nodiscard]] Result<std::vector<LimitReport>> read_back(const Governed& governed) const;

  // Processes in the job's groups, children born after the attach too.
  [[nodiscard]] Result<std::vector<sys::ProcessKey>> members(const Governed& governed) const;
  // Only for `run --kill-on-exit` and the worker: cgroup.kill, or freeze, SIGKILL, thaw.
  [[nodiscard]] Status kill_group(const Governed& governed) const;
  // Groups without processes go.
  [[nodiscard]] Status remove_groups(const Governed& governed);
  // Each "ffrtmp" that was kept, where no job is in it.
  void clear_parents() { left_parents_.clear(); }
  // The same, and none is kept any more.
  void stop_keeping_parents() { left_parents_.stop_keeping(); }
  // Directory of the first of its groups; "" without one.
  [[nodiscard]] std::string directory(const Governed& governed) const;
  // The groups of a job that was prepared here for a process like `like`, if nobody is in them: of an owner that died
  // before it could write down where they are.
  void remove_left(const std::string& job_id, const sys::ProcessKey& like);
  // Groups of a job whose owner died in the middle of the attach: where its process stands as `now` has it, or, of a
  // process that is gone, wherever they would have been made.
  void find_groups(Governed& governed, const sys::Membership* now) const;
  // Path of the file whose key "oom_kill" counts what the kernel killed in the job's memory group; "" without one.
  [[nodiscard]] std::string oom_file(const Governed& governed) const;
  // Times that the kernel killed for lack of memory in the job's group.
  [[nodiscard]] Result<std::int64_t> oom_kills(const Governed& governed) const;

  // What can be governed here and, if not all, why: "cpu: no controller, io: no group can be made".
  struct Mode {
    Governance best = Governance::kObserve;
    std::string reason;
  };
  [[nodiscard]] Mode mode();
  // Whether the group in which `path` lies is one of ours: ".../ffrtmp/<job>". The job, or nothing.
  [[nodiscard]] static std::optional<std::string> job_of_group(std::string_view path);

 private:
  // A group of a job whose processes came from `home`, and what must have been switched on there for it.
  [[nodiscard]] Group group_at(const std::string& hierarchy, const std::string& path, const std::string& home) const;
  // Groups in hierarchies that the job's limits need and that it is not in yet; all its processes are moved. False: a
  // process that was in none is refused, as attach() would.
  [[nodiscard]] Result<bool> join_more(AttachOutcome& outcome, Placement placement);
  // Undoes join_more() of a job that goes on as it was `before`.
  void leave_joined(const Governed& before, Governed now);
  [[nodiscard]] std::optional<std::string> root_base(const sys::Hierarchy& hierarchy);
  [[nodiscard]] RootBases root_bases(const std::vector<const sys::Hierarchy*>& hierarchies);

  AttacherSettings settings_;
  RootBases root_bases_;  // as found at first need
  KeptControls kept_;
  LeftParents left_parents_;
};

}  // namespace ffrtmp::govern
