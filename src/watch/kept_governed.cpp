#include "watch/kept_governed.h"

#include <utility>

namespace ffrtmp::watch {
namespace {

govern::Original untouched(const sys::ProcessKey& process) {
  govern::Original original;
  original.pid = process.pid;
  original.start_ticks = static_cast<std::int64_t>(process.start_ticks);
  return original;
}

}  // namespace

std::shared_ptr<const govern::Limits> LimitsPool::share(const govern::Limits& limits) {
  if (!limits.any()) return nullptr;
  for (const auto& known : known_)
    if (auto there = known.lock(); there && *there == limits) return there;
  std::erase_if(known_, [](const auto& known) { return known.expired(); });
  auto added = std::make_shared<const govern::Limits>(limits);
  known_.push_back(added);
  return added;
}

void KeptGoverned::keep(govern::Governed governed, const sys::ProcessKey& process, LimitsPool& pool) {
  job_id_ = std::move(governed.job_id);
  limits_ = pool.share(governed.limits);
  late_memory_ = governed.late_memory;
  const bool is_untouched = governed.members.size() == 1 && governed.members.front() == untouched(process);
  const bool has_rest = !governed.groups.empty() || !governed.shortfalls.empty() || governed.inherited_pids_max;
  has_member_ = is_untouched;
  changed_.reset();
  if (!has_rest && (is_untouched || governed.members.empty())) return;
  governed.groups.shrink_to_fit();
  governed.members.shrink_to_fit();
  changed_ = std::make_unique<const Changed>(Changed{governed.inherited_pids_max, std::move(governed.groups),
                                                     std::move(governed.members), std::move(governed.shortfalls)});
}

govern::Governed KeptGoverned::read(const sys::ProcessKey& process) const {
  govern::Governed governed;
  governed.job_id = job_id_;
  governed.limits = limits();
  governed.late_memory = late_memory_;
  if (changed_) {
    governed.inherited_pids_max = changed_->inherited_pids_max;
    governed.groups = changed_->groups;
    governed.members = changed_->members;
    governed.shortfalls = changed_->shortfalls;
  } else if (has_member_) {
    governed.members.push_back(untouched(process));
  }
  return governed;
}

const govern::Limits& KeptGoverned::limits() const {
  static const govern::Limits kNone;
  return limits_ ? *limits_ : kNone;
}

const std::vector<govern::Group>& KeptGoverned::groups() const {
  static const std::vector<govern::Group> kNone;
  return changed_ ? changed_->groups : kNone;
}

}  // namespace ffrtmp::watch
