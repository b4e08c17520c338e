#pragma once
// Counts of ended jobs folded into the report that is asked for. Pure.
#include <vector>

#include "api/wire.h"
#include "master/query.h"
#include "store/store.h"

namespace ffrtmp::master {

// Every counted job is in exactly one group, so that the groups sum to the total.
[[nodiscard]] api::SlaReport make_sla_report(const std::vector<store::SlaCount>& counts, const SlaQuery& query);

}  // namespace ffrtmp::master
