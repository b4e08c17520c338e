#pragma once
// The rules of POST /jobs: ranges, aliases, scenario names and how they merge. Pure; every error is kInvalidField and
// names the field as the caller wrote it ("parameters.crf").
#include <string_view>

#include "base/result.h"
#include "model/job.h"

namespace ffrtmp::model {

// Everything outside `parameters`: scenario, limits, constraints, max_retries. Limits given under parameters
// (also accepted there) are moved into resource_limits; a contradiction is an error.
[[nodiscard]] Status check_spec(JobSpec& spec);

// "<height>p<fps>-<codec>" and its extra parts, any case; a name that is no scenario has all parts absent.
[[nodiscard]] ScenarioParsed parse_scenario(std::string_view name);

// defaults < scenario < explicit parameters. Unknown names, contradictions of aliases, out of range values, forbidden
// paths and protocols by their syntax (docs/architecture/flow.md) are errors.
[[nodiscard]] Result<Parameters> resolve_parameters(const JobSpec& spec, const ScenarioParsed& scenario);

// "2000k", "5M", "128000" in any case -> bits a second.
[[nodiscard]] Result<std::int64_t> parse_bitrate(std::string_view text);

}  // namespace ffrtmp::model
