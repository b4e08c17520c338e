#pragma once
// A memory limit on a process that already runs: pages it holds stay charged to its old group, so the new limit does
// not cover them. Pure.
#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>

namespace ffrtmp::govern {

// What becomes of a hard limit below what the process already holds. At or above it, the limit is set as asked.
enum class LateMemory : std::uint8_t {
  kObserve,  // not set until the process has shrunk below it; told
  kHigh,     // memory.high instead: pressure, no kill
  kCredit,   // set to what it holds, and lowered as it shrinks, until the asked limit is reached
  kRefuse    // the process is not governed at all
};
BOOST_DESCRIBE_ENUM(LateMemory, kObserve, kHigh, kCredit, kRefuse)

struct MemoryFacts {
  std::int64_t held_bytes = 0;                          // resident, of all processes to be moved
  std::int64_t charged_bytes = 0;                       // current use of the group that gets the limit; 0 for a new one
  std::optional<std::int64_t> current_hard_bytes;       // the group's hard limit as it is; absent: none
  std::optional<std::int64_t> current_high_bytes = {};  // and its memory.high
};
struct MemoryDecision {
  // To be set; absent: none. Below what is held or charged only where it is in force already: a limit is not loosened.
  std::optional<std::int64_t> hard_bytes;
  std::optional<std::int64_t> high_bytes;  // to be set because of the policy, not because it was asked
  bool lifts_high = false;                 // the policy's memory.high is there, and the hard limit takes its place
  bool refused = false;
  std::int64_t uncovered_bytes = 0;  // held, and charged to no group with this limit
  std::string shortfall;             // empty: the limit is set as asked
};
[[nodiscard]] MemoryDecision decide_late_memory(std::int64_t limit_bytes, const MemoryFacts& facts, LateMemory policy);

}  // namespace ffrtmp::govern
