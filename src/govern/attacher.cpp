#include "govern/attacher.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/text.h"
#include "govern/attachment.h"
#include "govern/job_dir.h"
#include "govern/place_facts.h"
#include "sys/cgroup_dir.h"
#include "sys/file_io.h"
#include "sys/pid_fd.h"
#include "sys/priority.h"

namespace ffrtmp::govern {
namespace {

// A tree may fork while it is moved: again until a pass finds nobody new.
constexpr int kTreePasses = 5;
// Where v2 wants the move before the limits, a process may be without them for so long; later it is moved back.
constexpr std::chrono::milliseconds kUnlimitedWindow{50};

std::optional<std::string> job_of(const sys::Membership& membership) {
  for (const auto& [hierarchy, path] : membership)
    if (auto job = Attacher::job_of_group(path)) return job;
  return std::nullopt;
}

// Of a process that is held by its descriptor: alive before and after is the same process.
Status check_alive(const sys::Fd& pidfd, const sys::ProcessKey& key) {
  if (!sys::wait_ended(pidfd, std::chrono::milliseconds(0))) return {};
  return make_error(Errc::kGone, cat("process ", key.pid, " has ended"));
}

Result<sys::Fd> hold(const sys::Host& host, const sys::ProcessKey& key) {
  FFRTMP_ASSIGN(sys::Fd pidfd, sys::open_pidfd(host, key));
  FFRTMP_TRY(check_alive(pidfd, key));
  return pidfd;
}

Result<std::vector<sys::ProcessKey>> read_tree(const sys::Host& host, const AttachRequest& request) {
  std::vector<sys::ProcessKey> keys{request.process};
  if (!request.children) return keys;
  FFRTMP_ASSIGN(const auto below, sys::read_descendants(host, request.process.pid));
  for (const sys::ProcStat& stat : below)
    if (!stat.has_ended()) keys.push_back(stat.key());
  return keys;
}

std::int64_t held_bytes(const sys::Host& host, const std::vector<sys::ProcessKey>& keys) {
  std::int64_t sum = 0;
  for (const sys::ProcessKey& key : keys) sum += sys::read_resident_bytes(host, key.pid).value_or(0);
  return sum;
}

// Moves one process that is held. False: it belongs to another job, or would leave a limit behind.
Result<bool> move_in(const sys::Host& host, const sys::ProcessKey& key, const sys::Fd& pidfd, Attachment& attachment) {
  FFRTMP_ASSIGN(const sys::Membership membership, sys::read_membership(host, key.pid));
  const auto job = job_of(membership);
  if (job && *job != attachment.outcome().governed.job_id) return false;
  Mover mover{key, membership};
  const auto escape = attachment.find_escape(mover);
  if (escape)
    attachment.leave(mover, *escape);
  else
    FFRTMP_TRY(attachment.move(mover));
  FFRTMP_TRY(check_alive(pidfd, key));
  return !escape;
}

// Takes in one process that was not seen before.
Status take_in(const sys::Host& host, const sys::ProcessKey& key, Attachment& attachment) {
  FFRTMP_ASSIGN(const sys::Fd pidfd, hold(host, key));
  FFRTMP_ASSIGN(const bool is_in, move_in(host, key, pidfd, attachment));
  if (!is_in) return {};
  FFRTMP_TRY(attachment.set_priorities(key.pid));
  return check_alive(pidfd, key);
}

// Those of a job go into further groups of it. One that ends meanwhile is no fault.
Status move_all(const sys::Host& host, const std::vector<sys::ProcessKey>& keys, Attachment& attachment) {
  for (const sys::ProcessKey& key : keys) {
    const auto pidfd = hold(host, key);
    if (!pidfd) continue;
    const auto moved = move_in(host, key, *pidfd, attachment);
    if (!moved && moved.error().code != Errc::kGone) return moved.error();
  }
  return {};
}

// What was moved into further groups is noted beside what was known.
void merge(Governed& governed, const Governed& more) {
  governed.groups.insert(governed.groups.end(), more.groups.begin(), more.groups.end());
  if (more.inherited_pids_max) governed.inherited_pids_max = more.inherited_pids_max;
  for (const Original& moved : more.members) {
    const auto known = std::find_if(governed.members.begin(), governed.members.end(),
                                    [&](const Original& member) { return member.key() == moved.key(); });
    if (known == governed.members.end())
      governed.members.push_back(moved);
    else
      known->cgroup.insert(moved.cgroup.begin(), moved.cgroup.end());
  }
}

// Until a pass of `list` finds nobody new. One that ends meanwhile is no fault.
template <class List>
Status take_in_all(const sys::Host& host, List list, Attachment& attachment, std::set<sys::ProcessKey>& seen) {
  for (int pass = 0; pass < kTreePasses; ++pass) {
    FFRTMP_ASSIGN(const std::vector<sys::ProcessKey> keys, list());
    bool any_new = false;
    for (const sys::ProcessKey& key : keys) {
      if (!seen.insert(key).second) continue;
      any_new = true;
      const Status taken = take_in(host, key, attachment);
      if (!taken && taken.error().code != Errc::kGone) return taken;
    }
    if (!any_new) break;
  }
  return {};
}

Status take_in_tree(const sys::Host& host, const AttachRequest& request, Attachment& attachment) {
  std::set<sys::ProcessKey> seen{request.process};
  if (request.children)
    FFRTMP_TRY(take_in_all(
        host, [&] { return read_tree(host, request); }, attachment, seen));
  // Born between the move in the first hierarchy and the last: in the first group already, not yet in all.
  return take_in_all(
      host, [&] { return attachment.read_first_group(); }, attachment, seen);
}

}  // namespace

Limits Governed::in_force() const {
  Limits all = limits;
  if (inherited_pids_max) all.pids_max = std::min(*inherited_pids_max, all.pids_max.value_or(*inherited_pids_max));
  return all;
}

Attacher::Attacher(AttacherSettings settings)
    : settings_(std::move(settings)), left_parents_(settings_.on_parent_kept) {}

std::optional<std::string> Attacher::job_of_group(std::string_view path) {
  for (auto at = path.find(kParentStep); at != std::string_view::npos; at = path.find(kParentStep, at + 1)) {
    const std::string_view rest = path.substr(at + kParentStep.size());
    if (!rest.empty() && rest.front() != '/') return std::string(rest.substr(0, rest.find('/')));
  }
  return std::nullopt;
}

std::optional<std::string> Attacher::root_base(const sys::Hierarchy& hierarchy) {
  const auto known = root_bases_.find(hierarchy.name);
  if (known != root_bases_.end()) return known->second;
  return root_bases_[hierarchy.name] =
             find_root_base(settings_.host, settings_.layout, hierarchy, settings_.cgroup_root);
}

RootBases Attacher::root_bases(const std::vector<const sys::Hierarchy*>& hierarchies) {
  RootBases bases;
  for (const sys::Hierarchy* hierarchy : hierarchies) bases[hierarchy->name] = root_base(*hierarchy);
  return bases;
}

Result<AttachOutcome> Attacher::attach(const AttachRequest& request) {
  FFRTMP_ASSIGN(const sys::Fd pidfd, hold(settings_.host, request.process));
  FFRTMP_ASSIGN(const sys::Membership membership, sys::read_membership(settings_.host, request.process.pid));
  return attach(request, {pidfd, membership});
}

Result<AttachOutcome> Attacher::attach(const AttachRequest& request, const HeldProcess& held) {
  const sys::Host& host = settings_.host;
  if (const auto job = job_of(held.membership))
    return make_error(Errc::kNodeBusy, cat("process ", request.process.pid, " is governed already, as job ", *job));
  FFRTMP_ASSIGN(const auto keys, read_tree(host, request));
  std::set<pid_t> pids;
  for (const sys::ProcessKey& key : keys) pids.insert(key.pid);

  Attachment attachment(settings_, request, kept_);
  Mover leader{request.process, held.membership};
  const RootBases bases = root_bases(attachment.hierarchies());
  attachment.choose(leader, pids, bases);

  const auto carry_out = [&]() -> Status {
    if (request.limits.memory_limit_bytes && !attachment.admit(held_bytes(host, keys))) return {};
    FFRTMP_TRY(attachment.make_groups());
    FFRTMP_TRY(check_alive(held.pidfd, request.process));
    FFRTMP_TRY(attachment.move(leader));
    const auto moved = std::chrono::steady_clock::now();
    attachment.make_optional_groups(leader, pids, bases);
    FFRTMP_TRY(attachment.move(leader));
    FFRTMP_TRY(check_alive(held.pidfd, request.process));
    FFRTMP_TRY(take_in_tree(host, request, attachment));
    FFRTMP_TRY(attachment.finish_groups());
    if (attachment.moves_first() && std::chrono::steady_clock::now() - moved > kUnlimitedWindow)
      return sys_error("limits did not follow the move in time", ETIMEDOUT);
    FFRTMP_TRY(attachment.set_priorities(request.process.pid));
    FFRTMP_TRY(attachment.check_membership(request.process.pid));
    return check_alive(held.pidfd, request.process);
  };
  Status done = carry_out();
  auto outcome = done ? attachment.finish() : Result<AttachOutcome>(std::move(done).error());
  if (!outcome) (void)restore(attachment.outcome().governed);  // the first failure is the one to tell
  return outcome;
}

Result<Prepared> Attacher::prepare(const AttachRequest& request, const sys::ProcessKey& like) {
  FFRTMP_ASSIGN(sys::Membership membership, sys::read_membership(settings_.host, like.pid));
  Attachment attachment(settings_, request, kept_);
  const RootBases bases = root_bases(attachment.hierarchies());
  const Mover newborn{like, membership};
  attachment.choose(newborn, {}, bases);
  Status made = attachment.make_groups();
  attachment.make_optional_groups(newborn, {}, bases);
  if (!made) {
    (void)restore(attachment.outcome().governed);
    return std::move(made).error();
  }
  Prepared prepared{request, attachment.outcome(), std::move(membership), {}};
  for (const Group& group : prepared.outcome.governed.groups) {
    const sys::Hierarchy* hierarchy = settings_.layout.find(group.hierarchy);
    if (hierarchy->version != sys::CgroupVersion::kV2) continue;
    FFRTMP_ASSIGN(prepared.birth, sys::open_file(hierarchy->directory_of(group.path), O_RDONLY | O_DIRECTORY));
  }
  return prepared;
}

Result<AttachOutcome> Attacher::place(Prepared prepared, const sys::ProcessKey& process) {
  AttachRequest request = std::move(prepared.request);
  request.process = process;
  Attachment attachment(settings_, request, kept_, std::move(prepared.outcome));
  const auto carry_out = [&]() -> Status {
    FFRTMP_ASSIGN(const sys::Fd pidfd, hold(settings_.host, process));
    FFRTMP_ASSIGN(const sys::Membership membership, sys::read_membership(settings_.host, process.pid));
    Mover mover{process, membership};
    FFRTMP_TRY(attachment.move(mover));
    FFRTMP_TRY(check_alive(pidfd, process));
    FFRTMP_TRY(attachment.set_priorities(process.pid));
    FFRTMP_TRY(attachment.check_membership(process.pid));
    return check_alive(pidfd, process);
  };
  Status done = carry_out();
  auto outcome = done ? attachment.finish() : Result<AttachOutcome>(std::move(done).error());
  // Born in a group: where it would have been else is where it goes when it is let go.
  const auto set_home = [&](Governed& governed) {
    for (Original& member : governed.members)
      for (const Group& group : governed.groups) {
        const auto own = prepared.original.find(group.hierarchy);
        if (own != prepared.original.end()) member.cgroup[group.hierarchy] = own->second;
      }
  };
  if (outcome) {
    set_home(outcome->governed);
  } else {
    Governed half = attachment.outcome().governed;
    set_home(half);
    (void)restore(half);  // the first failure is the one to tell
  }
  return outcome;
}

Result<bool> Attacher::join_more(AttachOutcome& outcome, Placement placement) {
  Governed& governed = outcome.governed;
  if (governed.members.empty()) return make_error(Errc::kGone, "nobody is governed");
  AttacherSettings rest = settings_;
  std::erase_if(rest.layout.hierarchies, [&](const sys::Hierarchy& hierarchy) {
    return std::any_of(governed.groups.begin(), governed.groups.end(),
                       [&](const Group& group) { return group.hierarchy == hierarchy.name; });
  });
  AttachRequest request;
  request.process = governed.members.front().key();
  request.job_id = governed.job_id;
  request.limits = governed.limits;
  request.placement = placement;
  request.late_memory = governed.late_memory;
  Attachment attachment(rest, request, kept_);
  const RootBases bases = root_bases(attachment.hierarchies());
  if (bases.empty()) return true;
  FFRTMP_ASSIGN(const sys::Membership membership, sys::read_membership(settings_.host, request.process.pid));
  FFRTMP_ASSIGN(const std::vector<sys::ProcessKey> keys, members(governed));
  std::set<pid_t> pids;
  for (const sys::ProcessKey& key : keys) pids.insert(key.pid);
  attachment.choose({request.process, membership}, pids, bases);
  if (const std::int64_t held = held_bytes(settings_.host, keys); !governed.groups.empty()) {
    attachment.weigh_memory(held);
  } else if (!attachment.admit(held)) {
    AttachOutcome refused = attachment.outcome();
    refused.governed = governed;
    outcome = std::move(refused);
    return false;
  }

  const auto carry_out = [&]() -> Status {
    FFRTMP_TRY(attachment.make_groups());
    FFRTMP_TRY(move_all(settings_.host, keys, attachment));
    return attachment.finish_groups();
  };
  const Status done = carry_out();
  if (!done) {
    (void)restore(attachment.outcome().governed);  // the first failure is the one to tell
    return done.error();
  }
  outcome.reason = attachment.outcome().reason;
  outcome.evidence = attachment.outcome().evidence;
  merge(governed, attachment.outcome().governed);
  return true;
}

}  // namespace ffrtmp::govern
