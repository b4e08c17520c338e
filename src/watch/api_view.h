#pragma once
// What the daemon shows of itself, as JSON: the replies of the API and of `watch status --json`.
#include <boost/describe.hpp>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "govern/health.h"
#include "sys/cgroup_layout.h"
#include "watch/entry.h"
#include "watch/state_file.h"

namespace ffrtmp::watch {

struct HealthView {
  govern::HealthState state = govern::HealthState::kHealthy;
  UtcTime since{};
  int scan_failures = 0;
  int attach_failures = 0;
  double last_good_scan_age_seconds = 0;
};
BOOST_DESCRIBE_STRUCT(HealthView, (), (state, since, scan_failures, attach_failures, last_good_scan_age_seconds))

// Which layers of discovery are active, and why one is not.
struct DiscoveryView {
  std::string events;  // "on", "off", "unavailable"
  std::string events_reason;
  bool realtime = false;  // the listener runs before ordinary processes
  std::string gate;       // "on", "off", "unavailable"
  std::string gate_reason;
  std::string scan_interval;
  std::optional<UtcTime> last_scan_at;
  double last_scan_seconds = 0;
  std::int64_t exec_events = 0;
  std::int64_t exit_events = 0;
  std::int64_t resyncs = 0;
  std::int64_t gate_pid = 0;
  std::int64_t gate_held = 0;  // executions
  std::int64_t gate_late = 0;  // of them let go before their limits were in force
  std::int64_t gate_restarts = 0;
};
BOOST_DESCRIBE_STRUCT(DiscoveryView, (),
                      (events, events_reason, realtime, gate, gate_reason, scan_interval, last_scan_at,
                       last_scan_seconds, exec_events, exit_events, resyncs, gate_pid, gate_held, gate_late,
                       gate_restarts))

struct HierarchyView {
  std::string name;
  std::string version;  // "v1", "v2"
  std::string mount_point;
  bool favordynmods = false;  // moves are cheap
};
BOOST_DESCRIBE_STRUCT(HierarchyView, (), (name, version, mount_point, favordynmods))

struct CgroupView {
  govern::Governance best = govern::Governance::kObserve;
  std::string reason;
  std::optional<double> attach_seconds;  // median of the last: what a move costs here
  std::vector<HierarchyView> hierarchies;
};
BOOST_DESCRIBE_STRUCT(CgroupView, (), (best, reason, attach_seconds, hierarchies))

struct StatusView {
  std::string version;
  std::int64_t pid = 0;
  UtcTime started_at{};
  std::string config;  // the policy's file
  std::vector<std::string> target_commands;
  bool ready = false;
  HealthView health;
  DiscoveryView discovery;
  CgroupView cgroup;
  std::int64_t tracked = 0;
  std::int64_t attached = 0;
  std::int64_t retrying = 0;
  std::int64_t dead_letters = 0;
  StateStatistics statistics;
};
BOOST_DESCRIBE_STRUCT(StatusView, (),
                      (version, pid, started_at, config, target_commands, ready, health, discovery, cgroup, tracked,
                       attached, retrying, dead_letters, statistics))

// One requested limit, and whether the kernel said that it holds.
struct LimitView {
  std::string limit;
  std::string value;
  std::string status;
  std::string observed;
  std::string detail;
};
BOOST_DESCRIBE_STRUCT(LimitView, (), (limit, value, status, observed, detail))

struct ProcessView {
  std::int64_t pid = 0;
  std::int64_t start_ticks = 0;
  std::string command;
  std::vector<std::string> command_line;
  std::optional<std::int64_t> uid;
  std::string user;
  std::int64_t ppid = 0;
  std::string cwd;
  double age_seconds = 0;
  std::string job_id;
  std::string rule;  // "commands.ffmpeg", or "defaults"
  EntryState state = EntryState::kObserve;
  govern::Governance governance = govern::Governance::kObserve;
  std::string reason;
  std::string evidence;
  std::vector<LimitView> limits;
  std::vector<std::string> groups;  // "memory:/a/ffrtmp/job"
  std::int64_t uncovered_bytes = 0;
  UtcTime discovered_at{};
  std::optional<UtcTime> attached_at;
};
BOOST_DESCRIBE_STRUCT(ProcessView, (),
                      (pid, start_ticks, command, command_line, uid, user, ppid, cwd, age_seconds, job_id, rule, state,
                       governance, reason, evidence, limits, groups, uncovered_bytes, discovered_at, attached_at))

struct RetryView {
  std::int64_t pid = 0;
  std::string job_id;
  std::string command;
  std::optional<UtcTime> next_try_at;
  std::vector<govern::FailedTry> tries;
};
BOOST_DESCRIBE_STRUCT(RetryView, (), (pid, job_id, command, next_try_at, tries))

struct ViolationView {
  std::string job_id;
  govern::SlaReason reason = govern::SlaReason::kAttachFailed;
  double duration_seconds = 0;
  json::RawJson exit_code{"null"};
  std::int64_t pid = 0;
};
BOOST_DESCRIBE_STRUCT(ViolationView, (), (job_id, reason, duration_seconds, exit_code, pid))

// Everything, for `watch status --json`.
struct WholeView {
  StatusView status;
  std::vector<ProcessView> processes;
  std::vector<RetryView> retries;
  std::vector<govern::DeadLetter> dead_letters;
};
BOOST_DESCRIBE_STRUCT(WholeView, (), (status, processes, retries, dead_letters))

[[nodiscard]] std::vector<LimitView> limit_views(const govern::Limits& limits,
                                                 const std::vector<govern::LimitReport>& shortfalls);
[[nodiscard]] ProcessView process_view(const Entry& entry, bool has_own_rule, BootTime now);
[[nodiscard]] RetryView retry_view(const Entry& entry);
// The last 50 violations, newest first.
[[nodiscard]] std::vector<ViolationView> violation_views(const std::deque<JobResult>& results);
[[nodiscard]] std::vector<HierarchyView> hierarchy_views(const sys::CgroupLayout& layout);

}  // namespace ffrtmp::watch
