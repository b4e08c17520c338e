#include "govern/attachment.h"

#include <algorithm>
#include <cerrno>

#include "base/fault.h"
#include "base/text.h"
#include "govern/job_dir.h"
#include "govern/memory_terms.h"
#include "govern/open_groups.h"
#include "govern/place_facts.h"
#include "govern/priorities.h"
#include "sys/cgroup_dir.h"

namespace ffrtmp::govern {
namespace {

using sys::CgroupVersion;
using sys::Hierarchy;

std::string key_text(pid_t pid) { return cat("process ", pid); }

bool misses_files(const std::vector<LimitReport>& reports) {
  return std::any_of(reports.begin(), reports.end(),
                     [](const LimitReport& report) { return report.status == LimitStatus::kUnsupported; });
}

const LimitReport* find_shortfall(const std::vector<LimitReport>& reports) {
  const auto at = std::find_if(reports.begin(), reports.end(),
                               [](const LimitReport& report) { return report.status != LimitStatus::kApplied; });
  return at == reports.end() ? nullptr : &*at;
}

}  // namespace

Attachment::Attachment(const AttacherSettings& settings, const AttachRequest& request, KeptControls& kept)
    : settings_(settings), request_(request), kept_(kept) {
  outcome_.governed.job_id = request.job_id;
  outcome_.governed.limits = request.limits;
  outcome_.governed.late_memory = request.late_memory;
  if (request.limits.memory_limit_bytes)
    memory_ = decide_late_memory(*request.limits.memory_limit_bytes, {}, request.late_memory);
}

Attachment::Attachment(const AttacherSettings& settings, const AttachRequest& request, KeptControls& kept,
                       AttachOutcome outcome)
    : settings_(settings), request_(request), kept_(kept), outcome_(std::move(outcome)) {
  for (const Group& group : outcome_.governed.groups) {
    Slot slot;
    slot.hierarchy = settings_.layout.find(group.hierarchy);
    slot.path = group.path;
    slot.is_made = true;
    slots_.push_back(std::move(slot));
  }
}

std::vector<const Hierarchy*> Attachment::hierarchies() const {
  std::vector<const Hierarchy*> found;
  const auto add = [&](const Hierarchy* hierarchy) {
    if (hierarchy != nullptr && std::find(found.begin(), found.end(), hierarchy) == found.end())
      found.push_back(hierarchy);
  };
  const sys::CgroupLayout& layout = settings_.layout;
  for (const Controller controller : controllers_for(request_.limits))
    add(layout.of_controller(kernel_name(controller, CgroupVersion::kV2)));
  // Of v2 groups the CPU time is known without a controller.
  const Hierarchy* cpuacct = layout.of_controller("cpuacct");
  if (!found.empty()) add(cpuacct);
  if (request_.can_kill) add(layout.unified() != nullptr ? layout.unified() : layout.of_controller("freezer"));
  return found;
}

std::vector<std::string> Attachment::controllers_of(const Hierarchy& hierarchy) const {
  std::vector<std::string> names;
  for (const Controller controller : controllers_for(outcome_.governed.in_force())) {
    const std::string_view name = kernel_name(controller, hierarchy.version);
    if (hierarchy.has(name)) names.emplace_back(name);
  }
  return names;
}

void Attachment::refuse_all(std::string reason, std::string evidence) {
  outcome_.reason = std::move(reason);
  outcome_.evidence = std::move(evidence);
  slots_.clear();
  outcome_.governed.inherited_pids_max.reset();
  outcome_.limits.clear();
  // Without a group no controller offers anything, so the plan refuses all that needs one.
  for (LimitReport& report : plan_limits(request_.limits, {}).refused) {
    report.status = LimitStatus::kDenied;
    report.detail = outcome_.reason;
    outcome_.limits.push_back(std::move(report));
  }
}

Attachment::Slot Attachment::look_at(const Hierarchy& hierarchy, const std::string& own, const std::set<pid_t>& moved,
                                     const RootBases& root_bases) const {
  Slot slot;
  slot.hierarchy = &hierarchy;
  slot.is_needed = !controllers_of(hierarchy).empty();
  slot.home = own;
  slot.place = decide_place(
      read_place_facts({&hierarchy, own, moved, root_bases.at(hierarchy.name), request_.placement, slot.is_needed},
                       kept_.open),
      request_.placement);
  return slot;
}

void Attachment::add(Slot slot) {
  slot.path = job_path(slot.place.base, request_.job_id);
  if (slot.hierarchy->has("pids")) outcome_.governed.inherited_pids_max = slot.place.pids_max;
  slots_.push_back(std::move(slot));
}

void Attachment::choose(const Mover& mover, const std::set<pid_t>& moved, const RootBases& root_bases) {
  for (const Hierarchy* hierarchy : hierarchies()) {
    const auto own = mover.membership.find(hierarchy->name);
    if (own == mover.membership.end() || controllers_of(*hierarchy).empty()) continue;
    Slot slot = look_at(*hierarchy, own->second, moved, root_bases);
    if (!slot.place.reason.empty()) return refuse_all(slot.place.reason, slot.place.evidence);
    add(std::move(slot));
  }
  if (slots_.empty() && request_.limits.need_cgroup()) refuse_all("no_cgroups", "no controller that was asked for");
}

void Attachment::weigh_memory(std::int64_t held_bytes) {
  if (!request_.limits.memory_limit_bytes || slots_.empty()) return;
  memory_ =
      decide_late_memory(*request_.limits.memory_limit_bytes, {held_bytes, 0, std::nullopt}, request_.late_memory);
  outcome_.uncovered_bytes = memory_.uncovered_bytes;
}

bool Attachment::admit(std::int64_t held_bytes) {
  weigh_memory(held_bytes);
  if (memory_.refused) refuse_all("late_memory_refused", memory_.shortfall);
  return !memory_.refused;
}

Status Attachment::enable(const Slot& slot) {
  if (slot.hierarchy->version == CgroupVersion::kV1) return {};
  const auto controllers = controllers_of(*slot.hierarchy);
  if (controllers.empty()) return {};
  std::vector<std::string> added;
  const Status enabled = enable_controllers(*slot.hierarchy, slot.place.base, controllers, added);
  if (!slot.place.moves_before_enabling) return enabled;
  for (Group& group : outcome_.governed.groups) {
    if (group.hierarchy != slot.hierarchy->name) continue;
    group.enabled = std::move(added);
    group.enabled_in = slot.place.base;
    break;
  }
  return enabled;
}

Status Attachment::make_group(Slot& slot) {
  FFRTMP_ASSIGN(sys::CgroupDir made, make_job_dir(*slot.hierarchy, slot.place.base, request_.job_id));
  slot.dir = std::make_shared<const sys::CgroupDir>(std::move(made));
  outcome_.governed.groups.push_back({slot.hierarchy->name, slot.path, {}, {}});
  slot.is_made = true;
  return {};
}

Status Attachment::make_groups() {
  for (Slot& slot : slots_) FFRTMP_TRY(make_group(slot));
  return moves_first() ? Status{} : write_limits();
}

void Attachment::make_optional_groups(const Mover& mover, const std::set<pid_t>& moved, const RootBases& root_bases) {
  if (!outcome_.reason.empty()) return;  // it is left where it is
  for (const Hierarchy* hierarchy : hierarchies()) {
    const auto own = mover.membership.find(hierarchy->name);
    const bool is_known =
        std::any_of(slots_.begin(), slots_.end(), [&](const Slot& slot) { return slot.hierarchy == hierarchy; });
    if (own == mover.membership.end() || is_known) continue;
    Slot slot = look_at(*hierarchy, own->second, moved, root_bases);
    if (!slot.place.reason.empty()) continue;
    add(std::move(slot));
    if (!make_group(slots_.back())) slots_.pop_back();
  }
}

bool Attachment::moves_first() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.place.moves_before_enabling; });
}

Status Attachment::write_limits() {
  if (outcome_.governed.groups.empty()) return {};
  const Limits asked = outcome_.governed.in_force();
  GroupDirs dirs;
  for (const Slot& slot : slots_) dirs[slot.hierarchy->name] = slot.dir;
  const Limits terms = limits_in_terms(asked, memory_);
  auto reports = OpenGroups::of_new(settings_, dirs, asked, kept_).write(terms);
  // What an earlier job switched on is there. Else it is switched on now, and what may be others by now is listed anew.
  if (misses_files(reports)) {
    for (const Slot& slot : slots_) FFRTMP_TRY(enable(slot));
    kept_.lists.clear();
    reports = OpenGroups::of_new(settings_, dirs, asked, kept_).write(terms);
  }
  outcome_.limits = reports_in_terms(std::move(reports), asked, memory_);
  const bool is_copied = std::any_of(outcome_.limits.begin(), outcome_.limits.end(), [](const LimitReport& report) {
    return report.limit == LimitName::kPidsMax && report.status == LimitStatus::kApplied;
  });
  if (outcome_.governed.inherited_pids_max && !is_copied)
    return make_error(Errc::kDenied, cat("would escape pids.max ", *asked.pids_max, ", which could not be copied"));
  return {};
}

Status Attachment::finish_groups() {
  if (!moves_first()) return {};
  return write_limits();
}

Original& Attachment::member(const sys::ProcessKey& key) {
  auto& members = outcome_.governed.members;
  const auto known = std::find_if(members.begin(), members.end(), [&](const Original& m) { return m.key() == key; });
  if (known != members.end()) return *known;
  Original& added = members.emplace_back();
  added.pid = key.pid;
  added.start_ticks = static_cast<std::int64_t>(key.start_ticks);
  return added;
}

Status Attachment::open_dir(Slot& slot) {
  if (slot.dir) return {};
  FFRTMP_ASSIGN(sys::CgroupDir opened, sys::CgroupDir::open(slot.hierarchy->directory_of(slot.path)));
  slot.dir = std::make_shared<const sys::CgroupDir>(std::move(opened));
  return {};
}

Status Attachment::move(Mover& mover) {
  // Noted first: what moves halfway has to be put back too.
  Original& original = member(mover.key);
  for (Slot& slot : slots_) {
    const auto own = mover.membership.find(slot.hierarchy->name);
    if (!slot.is_made || own == mover.membership.end() || own->second == slot.path) continue;
    FFRTMP_TRY(fault::check("move", key_text(mover.key.pid)));
    FFRTMP_TRY(open_dir(slot));
    FFRTMP_TRY(slot.dir->add(mover.key.pid));
    // A process born in one of our groups has its home from the one it came from.
    if (!Attacher::job_of_group(own->second)) original.cgroup[slot.hierarchy->name] = own->second;
    own->second = slot.path;
  }
  return {};
}

std::optional<std::string> Attachment::find_escape(const Mover& mover) const {
  const Limits limits = outcome_.governed.in_force();
  for (const Slot& slot : slots_) {
    const auto own = mover.membership.find(slot.hierarchy->name);
    if (!slot.is_made || own == mover.membership.end() || own->second == slot.home || own->second == slot.path)
      continue;
    const Place place =
        decide_place(read_place_facts({slot.hierarchy, own->second, {}, slot.place.base, Placement::kRoot}, kept_.open),
                     Placement::kRoot);
    if (!place.reason.empty()) return place.evidence;
    // One that all share cannot be copied for one of them.
    if (place.pids_max && (!limits.pids_max || *limits.pids_max > *place.pids_max))
      return cat(own->second, " pids.max ", *place.pids_max);
  }
  return std::nullopt;
}

void Attachment::leave(const Mover& mover, const std::string& evidence) {
  outcome_.reason = "child_would_escape_limits";
  outcome_.evidence = cat(key_text(mover.key.pid), ": ", evidence);
}

Result<std::vector<sys::ProcessKey>> Attachment::read_first_group() {
  std::vector<sys::ProcessKey> keys;
  if (slots_.size() < 2 || !slots_.front().is_made) return keys;
  Slot& first = slots_.front();
  FFRTMP_TRY(open_dir(first));
  FFRTMP_ASSIGN(const std::vector<pid_t> pids, first.dir->own_procs());
  for (const pid_t pid : pids) {
    const auto stat = sys::read_stat(settings_.host, pid);
    if (stat && !stat->has_ended()) keys.push_back(stat->key());
  }
  return keys;
}

void Attachment::merge_priority(const std::optional<LimitReport>& report) {
  if (!report) return;
  const auto known = std::find_if(outcome_.limits.begin(), outcome_.limits.end(),
                                  [&](const LimitReport& other) { return other.limit == report->limit; });
  if (known == outcome_.limits.end())
    outcome_.limits.push_back(*report);
  else if (report->status > known->status)
    *known = *report;
}

Status Attachment::set_priorities(pid_t pid) {
  FFRTMP_ASSIGN(const PriorityChange change, apply_priorities(settings_.host, pid, request_.limits));
  merge_priority(change.nice);
  merge_priority(change.oom_score_adj);
  for (Original& member : outcome_.governed.members) {
    if (member.pid != pid) continue;
    member.nice = change.nice_before;
    member.oom_score_adj = change.oom_score_adj_before;
  }
  return {};
}

Status Attachment::check_membership(pid_t pid) const {
  if (slots_.empty()) return {};
  FFRTMP_ASSIGN(const sys::Membership now, sys::read_membership(settings_.host, pid));
  for (const Slot& slot : slots_) {
    const auto own = now.find(slot.hierarchy->name);
    if (own != now.end() && own->second != slot.path)
      return sys_error(cat(key_text(pid), " is in ", own->second, " of ", slot.hierarchy->name, ", not in ", slot.path),
                       EAGAIN);
  }
  return {};
}

Result<AttachOutcome> Attachment::finish() {
  outcome_.governance = decide_governance(outcome_.limits);
  outcome_.governed.shortfalls = find_shortfalls(outcome_.limits);
  if (outcome_.governance == Governance::kFull && request_.strict && !outcome_.reason.empty())
    return make_error(Errc::kDenied, cat(outcome_.reason, ", ", outcome_.evidence));
  if (outcome_.governance == Governance::kFull) return outcome_;
  if (outcome_.reason.empty()) give_reason(outcome_);
  if (!request_.strict) return outcome_;
  const LimitReport* first = find_shortfall(outcome_.limits);
  Error error = sys_error(cat(name_of(first->limit), " is not applied (", name_of(first->status), ")"), first->err);
  if (first->err == 0) error.message = cat(name_of(first->limit), " is ", name_of(first->status));
  if (first->err == 0) error.code = Errc::kUnsupported;
  error.message += cat(": ", outcome_.reason, ", ", outcome_.evidence);
  return error;
}

void give_reason(AttachOutcome& outcome) {
  const LimitReport* first = find_shortfall(outcome.limits);
  if (first == nullptr) return;
  outcome.reason = cat(name_of(first->limit), "_", name_of(first->status));
  outcome.evidence = first->detail.empty() ? cat(first->file, ": ", first->observed) : first->detail;
}

}  // namespace ffrtmp::govern
