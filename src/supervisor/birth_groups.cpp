#include "supervisor/birth_groups.h"

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
  if (const Status removed = remove_groups(unified_, joins_); !removed)
    log::error("group", {{"error", removed.error().message}});
}

Status remove_groups(const std::string& unified, const std::vector<JoinedGroup>& joins) {
  Status status;
  if (!unified.empty()) status = sys::remove_job_group(unified);
  for (const JoinedGroup& join : joins)
    if (Status removed = sys::remove_job_group(join.directory); !removed) status = std::move(removed);
  return status;
}

}  // namespace ffrtmp::supervisor
