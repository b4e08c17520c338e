#include "govern/late_memory.h"

#include <gtest/gtest.h>

namespace ffrtmp::govern {
namespace {

constexpr std::int64_t kMib = 1 << 20;
using Bytes = std::optional<std::int64_t>;

// contract: G47
TEST(DecideLateMemory, Table) {
  struct Row {
    const char* what;
    LateMemory policy;
    MemoryFacts facts;  // MiB
    Bytes hard;         // MiB
    Bytes high;
    bool refused;
    std::int64_t uncovered;
    bool short_of_asked;
  };
  using P = LateMemory;
  const Bytes none;
  // The limit asked for is 100 MiB.
  const Row rows[] = {
      {"nothing held", P::kObserve, {0, 0, none}, 100, none, false, 0, false},
      {"less held than asked", P::kRefuse, {80, 0, none}, 100, none, false, 80, false},
      {"exactly held", P::kCredit, {100, 0, none}, 100, none, false, 100, false},
      {"more held", P::kObserve, {218, 0, none}, none, none, false, 218, true},
      {"more held", P::kHigh, {218, 0, none}, none, 100, false, 218, true},
      {"more held", P::kCredit, {218, 0, none}, 218, none, false, 218, true},
      {"more held", P::kRefuse, {218, 0, none}, none, none, true, 218, true},
      {"credit follows down", P::kCredit, {150, 20, 218}, 150, none, false, 130, true},
      {"credit does not follow up", P::kCredit, {180, 150, 150}, 150, none, false, 30, true},
      {"credit ends at the limit", P::kCredit, {90, 20, 150}, 100, none, false, 70, false},
      {"shrunk below", P::kObserve, {60, 0, none}, 100, none, false, 60, false},
      {"in force, grown with what is not covered", P::kObserve, {140, 60, 100}, 100, none, false, 80, false},
      {"lowered in place below the charge", P::kObserve, {150, 150, 200}, 200, none, false, 0, true},
      {"lowered in place below the charge", P::kCredit, {150, 150, 200}, 150, none, false, 0, true},
      {"page cache counts as use", P::kObserve, {20, 130, none}, none, none, false, 0, true},
  };
  const auto in_bytes = [](Bytes mib) { return mib ? Bytes(*mib * kMib) : Bytes(); };
  for (const Row& row : rows) {
    const MemoryFacts facts{
        row.facts.held_bytes * kMib, row.facts.charged_bytes * kMib, in_bytes(row.facts.current_hard_bytes), {}};
    const MemoryDecision decision = decide_late_memory(100 * kMib, facts, row.policy);
    const auto where = testing::Message() << row.what << ", policy " << static_cast<int>(row.policy);
    EXPECT_EQ(decision.hard_bytes, in_bytes(row.hard)) << where;
    EXPECT_EQ(decision.high_bytes, in_bytes(row.high)) << where;
    EXPECT_EQ(decision.refused, row.refused) << where;
    EXPECT_EQ(decision.uncovered_bytes, row.uncovered * kMib) << where;
    EXPECT_EQ(!decision.shortfall.empty(), row.short_of_asked) << where;
    EXPECT_FALSE(decision.lifts_high) << where;
  }
}

// contract: G47
TEST(DecideLateMemory, TakesBackWhatStoodInTheLimitsPlace) {
  const MemoryFacts shrunk{60 * kMib, 0, {}, 100 * kMib};
  const MemoryFacts large{218 * kMib, 0, {}, 100 * kMib};
  EXPECT_TRUE(decide_late_memory(100 * kMib, shrunk, LateMemory::kHigh).lifts_high);
  EXPECT_FALSE(decide_late_memory(100 * kMib, large, LateMemory::kHigh).lifts_high);
  EXPECT_FALSE(decide_late_memory(100 * kMib, shrunk, LateMemory::kObserve).lifts_high) << "not its own";
}

}  // namespace
}  // namespace ffrtmp::govern
