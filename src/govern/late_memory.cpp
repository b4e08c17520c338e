#include "govern/late_memory.h"

#include <algorithm>

#include "base/text.h"

namespace ffrtmp::govern {

MemoryDecision decide_late_memory(std::int64_t limit_bytes, const MemoryFacts& facts, LateMemory policy) {
  MemoryDecision decision;
  decision.uncovered_bytes = std::max<std::int64_t>(0, facts.held_bytes - facts.charged_bytes);
  const std::int64_t in_use = std::max(facts.held_bytes, facts.charged_bytes);
  const bool in_force = facts.current_hard_bytes && *facts.current_hard_bytes <= limit_bytes;
  if (in_use <= limit_bytes || in_force) {
    decision.hard_bytes = limit_bytes;
    decision.lifts_high = policy == LateMemory::kHigh && facts.current_high_bytes.has_value();
    return decision;
  }
  decision.shortfall = cat("holds ", in_use, " bytes, more than the limit of ", limit_bytes);
  decision.hard_bytes = facts.current_hard_bytes;
  switch (policy) {
    case LateMemory::kObserve:
      break;
    case LateMemory::kHigh:
      decision.high_bytes = limit_bytes;
      break;
    case LateMemory::kCredit:
      decision.hard_bytes = std::min(in_use, facts.current_hard_bytes.value_or(in_use));
      break;
    case LateMemory::kRefuse:
      decision.refused = true;
      break;
  }
  return decision;
}

}  // namespace ffrtmp::govern
