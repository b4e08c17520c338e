#include "supervisor/birth_groups.h"

#include <unistd.h>

#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "sys/cgroup_dir.h"
#include "sys/file_io.h"

namespace ffrtmp::supervisor {
namespace {

constexpr pid_t kSelf = 0;  // in cgroup.procs: whoever writes it, in any PID namespace

Status move_self(const std::string& directory) {
  FFRTMP_ASSIGN(const sys::CgroupDir group, sys::CgroupDir::open(directory));
  return group.add(kSelf);
}

// The group that all jobs are made in goes with the last of them; whoever makes one then makes it again.
void remove_parent(const std::string& directory) { (void)rmdir(directory.substr(0, directory.rfind('/')).c_str()); }

}  // namespace

BirthGroups::BirthGroups(const Plan& plan) : unified_(plan.cgroup), joins_(plan.joins), oom_file_(plan.oom_file) {}

void BirthGroups::enter() {
  stands_in_ = true;
  oom_kills_before_ = read_oom_kills();
  for (const JoinedGroup& join : joins_) {
    const Status moved = move_self(join.directory);
    if (moved) continue;
    log::warn("the engine runs outside a group", {{"group", join.directory}, {"error", moved.error().message}});
    note_unjoined(join.directory);
  }
}

void BirthGroups::leave() {
  if (!std::exchange(stands_in_, false)) return;
  for (const JoinedGroup& join : joins_)
    if (const Status moved = move_self(join.home); !moved)
      log::warn("stays in the engine's group", {{"group", join.directory}, {"error", moved.error().message}});
}

std::optional<sys::Cgroup> BirthGroups::open_unified() const {
  if (unified_.empty()) return std::nullopt;
  auto group = sys::Cgroup::open(unified_);
  if (group) return std::move(group).value();
  log::warn("no group for the engine, signals must do", {{"error", group.error().message}});
  return std::nullopt;
}

std::int64_t BirthGroups::read_oom_kills() const {
  if (oom_file_.empty()) return 0;
  const auto text = sys::read_text(oom_file_);
  return text ? sys::parse_flat_key(*text, "oom_kill").value_or(0) : 0;
}

std::int64_t BirthGroups::oom_kills() const { return read_oom_kills() - oom_kills_before_; }

void BirthGroups::remove() {
  leave();
  for (const Status& removed : {remove_unified(unified_), remove_joined(joins_)})
    if (!removed) log::error("group", {{"error", removed.error().message}});
}

Status remove_unified(const std::string& directory) {
  if (directory.empty()) return {};
  auto group = sys::Cgroup::open(directory);
  if (!group) return group.error().code == Errc::kGone ? Status{} : Status(std::move(group).error());
  FFRTMP_TRY(group->remove());
  remove_parent(directory);
  return {};
}

Status remove_joined(const std::vector<JoinedGroup>& joins) {
  Status status;
  for (const JoinedGroup& join : joins) {
    auto group = sys::CgroupDir::open(join.directory);
    if (!group && group.error().code == Errc::kGone) continue;
    Status removed = group ? group->remove_tree() : Status(std::move(group).error());
    if (removed)
      remove_parent(join.directory);
    else
      status = std::move(removed);
  }
  return status;
}

}  // namespace ffrtmp::supervisor
