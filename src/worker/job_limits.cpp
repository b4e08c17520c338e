#include "worker/job_limits.h"

#include <algorithm>

#include "base/text.h"
#include "sys/path.h"

namespace ffrtmp::worker {
namespace {

constexpr std::int64_t kRamPercentForJobs = 80;  // contract fleet.md 2
constexpr std::int64_t kMib = 1 << 20;
constexpr std::int64_t kLeastToolBytes = 512 * kMib;

bool is_in(const std::string& file, const std::vector<std::string>& directories) {
  return std::any_of(directories.begin(), directories.end(),
                     [&](const std::string& directory) { return sys::is_at_or_below(file, directory); });
}

}  // namespace

model::Limits limits_of(const model::ResourceLimits& asked, std::int64_t ram_total_bytes, int slots) {
  model::Limits limits;
  limits.cpu_quota_percent = asked.max_cpu_percent;
  limits.cpu_weight = asked.cpu_weight;
  limits.pids_max = asked.pids_max;
  if (asked.max_memory_mb)
    limits.memory_limit_bytes = *asked.max_memory_mb * kMib;
  else if (ram_total_bytes > 0)
    limits.memory_limit_bytes = ram_total_bytes / 100 * kRamPercentForJobs / std::max(1, slots);
  if (asked.io_max)
    if (auto line = model::parse_io_max(*asked.io_max)) limits.io_max.push_back(std::move(*line));
  return limits;
}

std::uint64_t tool_memory(const model::ResourceLimits& asked, std::int64_t ram_total_bytes, int slots) {
  const auto share = limits_of(asked, ram_total_bytes, slots).memory_limit_bytes;
  return static_cast<std::uint64_t>(std::max(share.value_or(0), kLeastToolBytes));
}

std::vector<model::LimitOutcome> tell_limits(const std::vector<govern::LimitReport>& reports,
                                             const std::vector<std::string>& unjoined) {
  std::vector<model::LimitOutcome> told;
  for (const govern::LimitReport& report : reports) {
    model::LimitOutcome& one = told.emplace_back();
    one.limit = name_of(report.limit);
    one.status = name_of(report.status);
    one.wanted = report.wanted;
    if (!report.observed.empty() && report.observed != report.wanted) one.observed = report.observed;
    if (!report.detail.empty()) one.detail = report.detail;
    if (is_in(report.file, unjoined)) {
      one.status = name_of(govern::LimitStatus::kFailed);
      one.detail = "the engine could not be put into its group";
    }
  }
  return told;
}

}  // namespace ffrtmp::worker
