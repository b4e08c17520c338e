#pragma once
// What an operator wants of `watch`: which processes, under which limits, and how the daemon behaves. Plain data; read
// from files, variables and flags by watch/policy_loader.h.
#include <boost/describe.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "govern/filters.h"
#include "govern/late_memory.h"
#include "govern/limits.h"
#include "govern/placement.h"

namespace ffrtmp::govern {

using std::chrono::nanoseconds;

BOOST_DESCRIBE_ENUM(MatchMode, kAny, kExe, kArgv0)

// Setting -> where its value was written: "flag", "env", "file:line"; absent: "default".
using Provenance = std::map<std::string, std::string>;

// What holds for one command: limits, filters, how it is recognised.
struct Rule {
  Limits limits;
  Filters filters;
  MatchMode match = MatchMode::kAny;
  Provenance places;  // by the key's last part: "cpu_quota", "blocked_dirs", "match"

  [[nodiscard]] std::string place_of(const std::string& key) const;
};

enum class EventMode : std::uint8_t { kAuto, kOn, kOff, kGate };
BOOST_DESCRIBE_ENUM(EventMode, kAuto, kOn, kOff, kGate)
enum class OnStop : std::uint8_t { kRestore, kKeep };
BOOST_DESCRIBE_ENUM(OnStop, kRestore, kKeep)

struct StateSettings {
  bool enabled = false;
  bool fsync = false;
  std::string path = "/var/lib/ffrtmp/watch-state.json";
  nanoseconds flush_interval = std::chrono::seconds(30);
};
struct RetrySettings {
  bool enabled = false;
  int max_attempts = 3;  // retries; the first try is not one
  nanoseconds initial_backoff = std::chrono::seconds(1);
  nanoseconds max_backoff = std::chrono::minutes(5);
  double multiplier = 2;
};
struct HealthSettings {
  int max_scan_failures = 5;
  int max_attach_failures = 10;
  nanoseconds max_scan_age{0};  // set by the loader: max(2 min, 3 x scan_interval) unless written
};

struct Policy {
  nanoseconds scan_interval = std::chrono::seconds(10);
  nanoseconds reconcile_interval = std::chrono::seconds(30);
  std::vector<std::string> target_commands{"ffmpeg", "gst-launch-1.0"};
  Placement placement = Placement::kNested;
  bool strict = false;
  bool children = false;
  LateMemory late_memory = LateMemory::kObserve;
  OnStop on_stop = OnStop::kRestore;
  EventMode events = EventMode::kAuto;
  nanoseconds gate_budget = std::chrono::milliseconds(50);
  std::vector<std::string> gate_paths;  // empty: the targets found on PATH
  StateSettings state;
  RetrySettings retry;
  HealthSettings health;
  std::string metrics_listen = "127.0.0.1:9092";  // empty: off

  Rule defaults;
  std::map<std::string, Rule> commands;  // whole rules: what NAME does not say was copied from `defaults`
  Provenance places;                     // of the keys above, by their path: "state.path"

  [[nodiscard]] const Rule& rule_for(const std::string& command) const;
  [[nodiscard]] std::string place_of(const std::string& key) const;
};

// The target that a process runs, each target by its own rule's match mode; by the executable's name first.
[[nodiscard]] std::optional<std::string> match_target(const CommandNames& names, const Policy& policy);

}  // namespace ffrtmp::govern
