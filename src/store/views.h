#pragma once
// What readers of every backend share: the filter of job lists, and adding what only the live table knows.
#include "store/live_table.h"
#include "store/store.h"

namespace ffrtmp::store {

[[nodiscard]] bool matches(const JobFilter& filter, const model::Job& job);
// The latest progress of a live attempt goes before what was stored.
[[nodiscard]] JobView make_view(model::Job job, std::optional<model::Progress> stored, const LiveTable& live);
[[nodiscard]] NodeView make_node_view(model::Node node, const LiveTable& live, BootTime now,
                                      const Intervals& intervals);

}  // namespace ffrtmp::store
