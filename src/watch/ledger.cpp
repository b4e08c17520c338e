#include "watch/ledger.h"

namespace ffrtmp::watch {

Entry* Ledger::find(pid_t pid) {
  const auto at = entries_.find(pid);
  return at == entries_.end() ? nullptr : &at->second;
}

Entry& Ledger::put(Entry entry) {
  const pid_t pid = entry.key.pid;
  if (const Entry* before = find(pid)) count_out(*before);
  count_in(entry);
  Entry& placed = entries_.insert_or_assign(pid, std::move(entry)).first->second;
  set_gauges();
  return placed;
}

void Ledger::erase(pid_t pid) {
  const auto at = entries_.find(pid);
  if (at == entries_.end()) return;
  count_out(at->second);
  entries_.erase(at);
  set_gauges();
}

void Ledger::set_state(Entry& entry, EntryState state) {
  if (entry.state == state) return;
  count_out(entry);
  entry.state = state;
  count_in(entry);
  set_gauges();
}

void Ledger::set_command(Entry& entry, const std::string& command) {
  if (entry.command == command) return;
  count_out(entry);
  entry.command = command;
  count_in(entry);
}

void Ledger::count_in(const Entry& entry) {
  ++counts_[static_cast<std::size_t>(entry.state)];
  if (is_attached(entry.state)) metrics_.active(entry.command, 1);
}

void Ledger::count_out(const Entry& entry) {
  --counts_[static_cast<std::size_t>(entry.state)];
  if (is_attached(entry.state)) metrics_.active(entry.command, -1);
}

void Ledger::set_gauges() {
  metrics_.tracked(static_cast<double>(entries_.size()));
  metrics_.retry_queue(static_cast<double>(count(EntryState::kRetrying)));
}

}  // namespace ffrtmp::watch
