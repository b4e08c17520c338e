#pragma once
// What the daemon remembers across restarts: statistics, dead letters, and when it found what it governs. Limits and
// original places stand in the claims; this file repeats of them what a person needs to undo by hand.
//
//   PATH                          the state, 0600, replaced by rename only
//   PATH.<random>.tmp             being written; left behind by a crash, removed at the next start
//   PATH.corrupt-<UTC time>       was no state
//   PATH.unsupported-<UTC time>   of a later version
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "govern/limits.h"
#include "govern/retry.h"

namespace ffrtmp::watch {

struct StateProcess {
  std::int64_t pid = 0;
  std::string job_id;
  std::string command;
  std::int64_t start_ticks = 0;
  UtcTime discovered_at{};
  std::optional<UtcTime> attached_at;  // once its limits were in force
  UtcTime last_seen_at{};
  govern::Governance governance = govern::Governance::kObserve;
  std::string group;
  std::map<std::string, std::string> original_cgroup;  // hierarchy -> path
  std::map<std::string, int> original_nice;            // TID -> nice
  std::optional<int> original_oom_score_adj;
};
BOOST_DESCRIBE_STRUCT(StateProcess, (),
                      (pid, job_id, command, start_ticks, discovered_at, attached_at, last_seen_at, governance, group,
                       original_cgroup, original_nice, original_oom_score_adj))

struct StateStatistics {
  std::int64_t total_scans = 0;
  std::int64_t total_discovered = 0;   // identities
  std::int64_t total_attachments = 0;  // successes
  bool operator==(const StateStatistics&) const = default;
};
BOOST_DESCRIBE_STRUCT(StateStatistics, (), (total_scans, total_discovered, total_attachments))

struct State {
  std::string version = "1.1";
  std::string boot_id;
  std::optional<UtcTime> last_scan_at;
  std::map<std::string, StateProcess> processes;  // by pid
  std::vector<govern::DeadLetter> dead_letters;
  StateStatistics statistics;
};
BOOST_DESCRIBE_STRUCT(State, (), (version, boot_id, last_scan_at, processes, dead_letters, statistics))

struct LoadedState {
  State state;
  bool was_there = false;
  std::string set_aside;  // where what could not be read went; empty: nothing did
};
// A missing file is a fresh state. Of another boot, or of version 1.0, only the statistics count. `now` names files.
[[nodiscard]] Result<LoadedState> load_state(const std::string& path, const std::string& boot_id, UtcTime now);

[[nodiscard]] std::string encode_state(const State& state);
// Makes the directory, writes beside `path`, renames.
[[nodiscard]] Status save_state(const std::string& path, const std::string& text, bool fsync);

}  // namespace ffrtmp::watch
