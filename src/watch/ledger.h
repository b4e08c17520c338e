#pragma once
// The tracked processes, by pid, with what is counted of them: every change of a state or a command goes through here,
// so that no gauge has to be counted anew.
#include <array>
#include <string>
#include <unordered_map>

#include "watch/entry.h"
#include "watch/metrics.h"

namespace ffrtmp::watch {

class Ledger {
 public:
  // `metrics` outlives it.
  explicit Ledger(Metrics& metrics) : metrics_(metrics) {}

  [[nodiscard]] Entry* find(pid_t pid);
  // In place of what had that pid before.
  Entry& put(Entry entry);
  void erase(pid_t pid);
  void set_state(Entry& entry, EntryState state);
  void set_command(Entry& entry, const std::string& command);

  [[nodiscard]] const std::unordered_map<pid_t, Entry>& entries() const { return entries_; }
  [[nodiscard]] std::unordered_map<pid_t, Entry>& entries() { return entries_; }
  [[nodiscard]] std::size_t count(EntryState state) const { return counts_[static_cast<std::size_t>(state)]; }

 private:
  void count_in(const Entry& entry);
  void count_out(const Entry& entry);
  void set_gauges();

  Metrics& metrics_;
  std::unordered_map<pid_t, Entry> entries_;
  std::array<std::size_t, kEntryStates> counts_{};
};

}  // namespace ffrtmp::watch
