#pragma once
// What decide_late_memory makes of the limits that are written, and of what is reported. Pure.
#include <vector>

#include "govern/late_memory.h"
#include "govern/limits.h"

namespace ffrtmp::govern {

// `asked` with the hard and high limit that the decision allows.
[[nodiscard]] Limits limits_in_terms(Limits asked, const MemoryDecision& decision);
// Reports of what was written, told as reports of what was asked.
[[nodiscard]] std::vector<LimitReport> reports_in_terms(std::vector<LimitReport> reports, const Limits& asked,
                                                        const MemoryDecision& decision);

}  // namespace ffrtmp::govern
