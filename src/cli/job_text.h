#pragma once
// Jobs, attempts and nodes as rows and short tables. The unmeasured is shown as "-", never as 0.
#include <string>
#include <vector>

#include "api/sla_report.h"
#include "api/wire.h"

namespace ffrtmp::cli {

[[nodiscard]] std::string jobs_table(const std::vector<api::Job>& jobs);
// Right after submit.
[[nodiscard]] std::string submitted_table(const api::Job& job);
// Everything that is known of one job.
[[nodiscard]] std::string job_pairs(const api::Job& job);
// What came of it: encoder, durations, output, verification, or why it failed.
[[nodiscard]] std::string outcome_pairs(const api::Job& job);
[[nodiscard]] std::string attempts_table(const std::vector<api::Attempt>& attempts);
// One row a group, the total last.
[[nodiscard]] std::string sla_table(const api::SlaReport& report);
[[nodiscard]] std::string nodes_table(const std::vector<api::Node>& nodes);
[[nodiscard]] std::string node_pairs(const api::Node& node);

// "[###-------] 47.3%  frame 1420  fps 98.2  speed 3.27x  ETA 0:15", as far as it is known.
[[nodiscard]] std::string progress_bar(const api::Job& job);
// The same for a line of a log: "running 47.3% …".
[[nodiscard]] std::string progress_line(const api::Job& job);

}  // namespace ffrtmp::cli
