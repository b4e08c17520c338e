#include "store/live_table.h"

#include <algorithm>

namespace ffrtmp::store {

void LiveTable::begin_group() { undo_.clear(); }
void LiveTable::keep_group() { undo_.clear(); }

void LiveTable::undo_group() {
  const std::lock_guard lock(mutex_);
  for (auto entry = undo_.rbegin(); entry != undo_.rend(); ++entry) {
    if (auto* attempt = std::get_if<AttemptBefore>(&*entry))
      set_attempt(attempt->id, std::move(attempt->was));
    else if (auto* node = std::get_if<NodeBefore>(&*entry))
      set_node(node->id, std::move(node->was));
    else if (const auto* counted = std::get_if<Counted>(&*entry)) {
      --counts_[counted->to];
      if (counted->from) ++counts_[*counted->from];
    }
  }
  undo_.clear();
  fits_.clear();  // classes of the group are gone, their ids may be given again
}

const LiveAttempt* LiveTable::attempt(const Uuid& id) const {
  const auto found = attempts_.find(id);
  return found == attempts_.end() ? nullptr : &found->second;
}

void LiveTable::put_attempt(const Uuid& id, LiveAttempt attempt) {
  const std::lock_guard lock(mutex_);
  const auto found = attempts_.find(id);
  undo_.emplace_back(
      AttemptBefore{id, found == attempts_.end() ? std::nullopt : std::optional(std::move(found->second))});
  set_attempt(id, std::move(attempt));
}

void LiveTable::drop_attempt(const Uuid& id) {
  const std::lock_guard lock(mutex_);
  const auto found = attempts_.find(id);
  if (found == attempts_.end()) return;
  undo_.emplace_back(AttemptBefore{id, found->second});
  set_attempt(id, std::nullopt);
}

void LiveTable::set_attempt(const Uuid& id, std::optional<LiveAttempt> value) {
  const auto found = attempts_.find(id);
  if (!value) {
    if (found == attempts_.end()) return;
    std::erase(by_node_[found->second.node_id], id);
    attempts_.erase(found);
  } else if (found == attempts_.end()) {
    by_node_[value->node_id].push_back(id);
    attempts_.emplace(id, *std::move(value));
  } else {
    found->second = *std::move(value);  // an attempt never moves to another node
  }
}

const std::vector<Uuid>& LiveTable::attempts_of(const Uuid& node_id) const {
  static const std::vector<Uuid> kNone;
  const auto found = by_node_.find(node_id);
  return found == by_node_.end() ? kNone : found->second;
}

std::vector<Uuid> LiveTable::expired(BootTime now) const {
  std::vector<Uuid> out;
  for (const auto& [id, attempt] : attempts_)
    if (attempt.lease_expires <= now) out.push_back(id);
  std::sort(out.begin(), out.end());
  return out;
}

const LiveNode* LiveTable::node(const Uuid& id) const {
  const auto found = nodes_.find(id);
  return found == nodes_.end() ? nullptr : &found->second;
}

void LiveTable::put_node(const Uuid& id, LiveNode node) {
  const std::lock_guard lock(mutex_);
  const auto found = nodes_.find(id);
  undo_.emplace_back(NodeBefore{id, found == nodes_.end() ? std::nullopt : std::optional(found->second)});
  set_node(id, std::move(node));
}

void LiveTable::note_contact(const Uuid& id, const Now& now, const NodeLoad* load) {
  const std::lock_guard lock(mutex_);
  LiveNode& node = nodes_.at(id);
  node.seen = true;
  node.last_contact = now.boot;
  node.last_contact_utc = now.utc;
  if (load != nullptr) node.load = *load;
}

void LiveTable::set_node(const Uuid& id, std::optional<LiveNode> value) {
  const auto found = nodes_.find(id);
  if (found != nodes_.end() && (!value || value->facts != found->second.facts)) fits_.erase(id);
  if (value)
    nodes_.insert_or_assign(id, *std::move(value));
  else
    nodes_.erase(id);
}

bool LiveTable::fits(const Uuid& node_id, const RequirementClass& requirement_class) {
  auto& known = fits_[node_id];
  const auto found = known.find(requirement_class.id);
  if (found != known.end()) return found->second;
  const LiveNode* live = node(node_id);
  const bool fit = live != nullptr && !model::unfit_reason(requirement_class.need, node_id, *live->facts);
  known.emplace(requirement_class.id, fit);
  return fit;
}

void LiveTable::count(std::optional<model::JobState> from, model::JobState to) {
  if (from == to) return;
  const std::lock_guard lock(mutex_);
  undo_.emplace_back(Counted{from, to});
  ++counts_[to];
  if (from) --counts_[*from];
}

void LiveTable::set_counts(StateCounts counts) {
  const std::lock_guard lock(mutex_);
  counts_ = std::move(counts);
}

StateCounts LiveTable::counts() const {
  const std::lock_guard lock(mutex_);
  StateCounts counts = counts_;
  std::erase_if(counts, [](const auto& one) { return one.second == 0; });
  return counts;
}

bool LiveTable::hour_has_passed(BootTime now) {
  if (last_hour_ && now - *last_hour_ < std::chrono::hours(1)) return false;
  last_hour_ = now;
  return true;
}

std::optional<LiveTable::ProgressNote> LiveTable::progress_of(const Uuid& attempt_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = attempts_.find(attempt_id);
  if (found == attempts_.end() || !found->second.progress) return std::nullopt;
  return ProgressNote{*found->second.progress, found->second.progress_at.value_or(UtcTime{})};
}

std::optional<LiveTable::NodeNote> LiveTable::note_of(const Uuid& node_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = nodes_.find(node_id);
  if (found == nodes_.end()) return std::nullopt;
  return NodeNote{found->second, attempts_of(node_id)};
}

bool is_online(const LiveNode& node, BootTime now, const Intervals& intervals) {
  return node.seen && now - node.last_contact <= intervals.offline;
}

model::NodeStatus status_of(const LiveNode& node, std::size_t live_attempts, BootTime now, const Intervals& intervals) {
  if (!is_online(node, now, intervals)) return model::NodeStatus::kOffline;
  if (node.draining) return model::NodeStatus::kDraining;
  const bool full = static_cast<int>(live_attempts) >= node.facts->slots;
  return full ? model::NodeStatus::kBusy : model::NodeStatus::kAvailable;
}

}  // namespace ffrtmp::store
