// Who is in a job's groups, and what is done to all of them at once.
#include <poll.h>
#include <signal.h>

#include <cerrno>
#include <set>

#include "base/text.h"
#include "govern/attacher.h"
#include "govern/job_dir.h"
#include "govern/open_groups.h"
#include "sys/cgroup.h"
#include "sys/cgroup_dir.h"
#include "sys/pid_fd.h"

namespace ffrtmp::govern {
namespace {

using sys::CgroupDir;
using sys::Hierarchy;

// v1's freezer reports FROZEN when the last task has left the kernel.
constexpr int kFreezeTries = 100;
constexpr int kFreezePauseMs = 5;
// Without a freezer new processes may appear between listing and signalling.
constexpr int kKillPasses = 5;

Status signal_all(const CgroupDir& group) {
  for (int pass = 0; pass < kKillPasses; ++pass) {
    FFRTMP_ASSIGN(const std::vector<pid_t> pids, group.procs());
    if (pids.empty()) return {};
    for (const pid_t pid : pids)
      if (pid > 0) ::kill(pid, SIGKILL);
  }
  return {};
}

// Freeze, SIGKILL, thaw: nothing can fork its way out meanwhile.
Status kill_by_freezer(const CgroupDir& group) {
  FFRTMP_TRY(group.write("freezer.state", "FROZEN"));
  for (int tries = 0; tries < kFreezeTries; ++tries) {
    const auto state = group.read("freezer.state");
    if (!state || trim(*state) == "FROZEN") break;
    poll(nullptr, 0, kFreezePauseMs);
  }
  const Status signaled = signal_all(group);
  FFRTMP_TRY(group.write("freezer.state", "THAWED"));
  return signaled;
}

}  // namespace

Result<std::vector<sys::ProcessKey>> Attacher::members(const Governed& governed) const {
  std::set<pid_t> pids;
  for (const Group& group : governed.groups) {
    const Hierarchy* hierarchy = settings_.layout.find(group.hierarchy);
    if (hierarchy == nullptr) continue;
    const auto dir = CgroupDir::open(hierarchy->directory_of(group.path));
    if (!dir) continue;
    FFRTMP_ASSIGN(const std::vector<pid_t> found, dir->procs());
    pids.insert(found.begin(), found.end());
  }
  for (const Original& member : governed.members) pids.insert(member.key().pid);
  std::vector<sys::ProcessKey> keys;
  for (const pid_t pid : pids) {
    const auto stat = sys::read_stat(settings_.host, pid);
    if (!stat || stat->has_ended()) continue;
    bool is_other = false;
    for (const Original& member : governed.members)
      is_other = is_other || (member.key().pid == pid && member.key() != stat->key());
    if (!is_other) keys.push_back(stat->key());
  }
  return keys;
}

Status Attacher::kill_group(const Governed& governed) const {
  const Hierarchy* unified = settings_.layout.unified();
  const Hierarchy* freezer = settings_.layout.of_controller("freezer");
  Status status;
  for (const Group& group : governed.groups) {
    const Hierarchy* hierarchy = settings_.layout.find(group.hierarchy);
    if (hierarchy == nullptr || (hierarchy != unified && hierarchy != freezer)) continue;
    const auto dir = CgroupDir::open(hierarchy->directory_of(group.path));
    if (!dir) continue;
    const auto kill = [&]() -> Status {
      if (hierarchy == freezer) return kill_by_freezer(*dir);
      FFRTMP_ASSIGN(const sys::Cgroup cgroup, sys::Cgroup::open(dir->path()));
      return cgroup.kill();
    };
    if (Status killed = kill(); !killed) status = std::move(killed);
  }
  // Whoever was taken out of that group by somebody else, or never got into it.
  FFRTMP_ASSIGN(const auto keys, members(governed));
  for (const sys::ProcessKey& key : keys) {
    const auto pidfd = sys::open_pidfd(settings_.host, key);
    if (pidfd) (void)sys::send_signal(*pidfd, SIGKILL);  // ended meanwhile
  }
  return status;
}

Status Attacher::remove_groups(const Governed& governed) {
  Status status;
  for (const Group& group : governed.groups) {
    const Hierarchy* hierarchy = settings_.layout.find(group.hierarchy);
    if (hierarchy == nullptr) continue;
    if (Status off = disable_controllers(*hierarchy, group.enabled_in, group.enabled); !off) status = std::move(off);
    if (Status removed = left_parents_.remove_job(*hierarchy, group.path); !removed) status = std::move(removed);
  }
  return status;
}

void Attacher::remove_left(const std::string& job_id, const sys::ProcessKey& like) {
  const auto membership = sys::read_membership(settings_.host, like.pid);
  if (!membership) return;
  for (const Hierarchy& hierarchy : settings_.layout.hierarchies) {
    const auto own = membership->find(hierarchy.name);
    for (const std::optional<std::string>& base :
         {own == membership->end() ? std::nullopt : std::optional(own->second), root_base(hierarchy)})
      if (base) (void)left_parents_.remove_job(hierarchy, job_path(*base, job_id));  // somebody may be in it
  }
}

Group Attacher::group_at(const std::string& name, const std::string& path, const std::string& home) const {
  Group group{name, path, {}, {}};
  const Hierarchy* hierarchy = settings_.layout.find(name);
  const bool is_nested =
      hierarchy != nullptr && hierarchy->version == sys::CgroupVersion::kV2 && home != "/" && home == base_of(path);
  const auto dir = is_nested ? CgroupDir::open(hierarchy->directory_of(home)) : Result<CgroupDir>(Error{});
  const auto text = dir ? dir->read("cgroup.subtree_control") : Result<std::string>(Error{});
  if (!text) return group;
  // While processes stood in it nothing could be on for the groups below: what is on now was switched on for this job.
  group.enabled_in = home;
  for (const std::string_view controller : split(trim(*text), ' '))
    if (!controller.empty()) group.enabled.emplace_back(controller);
  return group;
}

void Attacher::find_groups(Governed& governed, const sys::Membership* now) const {
  if (!governed.groups.empty() || governed.members.empty()) return;
  for (const auto& [hierarchy, home] : governed.members.front().cgroup) {
    std::set<std::string> paths{job_path(home, governed.job_id), job_path("/", governed.job_id)};
    if (now != nullptr) {
      const auto own = now->find(hierarchy);
      paths.clear();
      if (own != now->end() && job_of_group(own->second) == governed.job_id) paths.insert(own->second);
    }
    for (const std::string& path : paths) governed.groups.push_back(group_at(hierarchy, path, home));
  }
}

std::string Attacher::oom_file(const Governed& governed) const {
  const Hierarchy* memory = settings_.layout.of_controller("memory");
  for (const Group& group : governed.groups)
    if (memory != nullptr && group.hierarchy == memory->name)
      return cat(memory->directory_of(group.path),
                 memory->version == sys::CgroupVersion::kV2 ? "/memory.events" : "/memory.oom_control");
  return {};
}

Result<std::int64_t> Attacher::oom_kills(const Governed& governed) const {
  // Another group of the job may be gone by now: that says nothing of memory.
  const Hierarchy* memory = settings_.layout.of_controller("memory");
  std::vector<Group> of_memory;
  for (const Group& group : governed.groups)
    if (memory != nullptr && group.hierarchy == memory->name) of_memory.push_back(group);
  FFRTMP_ASSIGN(const OpenGroups groups, OpenGroups::open(settings_, of_memory, governed.limits));
  return groups.oom_kills();
}

std::string Attacher::directory(const Governed& governed) const {
  for (const Group& group : governed.groups)
    if (const Hierarchy* hierarchy = settings_.layout.find(group.hierarchy)) return hierarchy->directory_of(group.path);
  return {};
}

Attacher::Mode Attacher::mode() {
  Mode mode{Governance::kFull, {}};
  int usable = 0;
  const auto miss = [&](std::string_view controller, std::string_view why) {
    mode.reason += cat(mode.reason.empty() ? "" : ", ", controller, ": ", why);
  };
  for (const Controller controller : kControllers) {
    const std::string_view name = kernel_name(controller, sys::CgroupVersion::kV2);
    const Hierarchy* hierarchy = settings_.layout.of_controller(name);
    if (hierarchy == nullptr)
      miss(name, "no controller");
    else if (!root_base(*hierarchy))
      miss(name, "no group can be made");
    else
      ++usable;
  }
  if (usable == 0)
    mode.best = Governance::kNiceOnly;
  else if (!mode.reason.empty())
    mode.best = Governance::kPartial;
  return mode;
}

}  // namespace ffrtmp::govern
