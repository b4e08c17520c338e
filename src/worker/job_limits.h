#pragma once
// What a job's resource_limits mean on this machine. Pure.
#include <cstdint>
#include <vector>

#include "govern/limits.h"
#include "model/limits.h"
#include "model/outcome.h"

namespace ffrtmp::worker {

// Without max_memory_mb a job may take its slot's share of 80 % of the RAM. Disk and time are watched by the
// supervisor, nice is set at the engine's birth: neither is in here.
[[nodiscard]] model::Limits limits_of(const model::ResourceLimits& asked, std::int64_t ram_total_bytes, int slots);

// What a tool that looks at the job's media may hold of private memory: as much as the engine, and 512 MiB at the
// least, since what a decoder sets aside counts here although it is not touched.
[[nodiscard]] std::uint64_t tool_memory(const model::ResourceLimits& asked, std::int64_t ram_total_bytes, int slots);

// The reports as a result tells them. A group in whose directory the engine was not (`unjoined`) holds nothing,
// whatever its files say.
[[nodiscard]] std::vector<model::LimitOutcome> tell_limits(const std::vector<govern::LimitReport>& reports,
                                                           const std::vector<std::string>& unjoined);

}  // namespace ffrtmp::worker
