#include "govern/limits.h"

#include <algorithm>

namespace ffrtmp::govern {

bool is_in_force(const LimitReport& report) {
  return report.status == LimitStatus::kApplied || report.status == LimitStatus::kDegraded;
}

std::vector<LimitName> find_shortfalls(const std::vector<LimitReport>& reports) {
  std::vector<LimitName> names;
  for (const LimitReport& report : reports) {
    const bool is_other = report.limit == LimitName::kMemoryLimit && report.status == LimitStatus::kDegraded;
    if (is_other || !is_in_force(report)) names.push_back(report.limit);
  }
  return names;
}

Governance decide_governance(const std::vector<LimitReport>& reports) {
  const auto needs_cgroup = [](const LimitReport& report) {
    return report.limit != LimitName::kNice && report.limit != LimitName::kOomScoreAdj;
  };
  const bool all_applied = std::all_of(
      reports.begin(), reports.end(), [](const LimitReport& report) { return report.status == LimitStatus::kApplied; });
  if (all_applied) return Governance::kFull;
  if (std::none_of(reports.begin(), reports.end(), is_in_force)) return Governance::kObserve;
  const bool any_cgroup = std::any_of(reports.begin(), reports.end(), [&](const LimitReport& report) {
    return needs_cgroup(report) && is_in_force(report);
  });
  return any_cgroup ? Governance::kPartial : Governance::kNiceOnly;
}

std::string_view name_of(LimitName limit) {
  switch (limit) {
    case LimitName::kCpuQuota:
      return "cpu_quota";
    case LimitName::kCpuWeight:
      return "cpu_weight";
    case LimitName::kMemoryLimit:
      return "memory_limit";
    case LimitName::kMemoryHigh:
      return "memory_high";
    case LimitName::kMemorySwapLimit:
      return "memory_swap_limit";
    case LimitName::kIoWeight:
      return "io_weight";
    case LimitName::kIoReadBps:
      return "io_read_bps";
    case LimitName::kIoWriteBps:
      return "io_write_bps";
    case LimitName::kIoMax:
      return "io_max";
    case LimitName::kPidsMax:
      return "pids_max";
    case LimitName::kNice:
      return "nice";
    case LimitName::kOomScoreAdj:
      return "oom_score_adj";
  }
  return "";
}

std::string_view name_of(LimitStatus status) {
  switch (status) {
    case LimitStatus::kApplied:
      return "applied";
    case LimitStatus::kDegraded:
      return "degraded";
    case LimitStatus::kUnsupported:
      return "unsupported";
    case LimitStatus::kDenied:
      return "denied";
    case LimitStatus::kFailed:
      return "failed";
  }
  return "";
}

std::string_view name_of(Governance governance) {
  switch (governance) {
    case Governance::kFull:
      return "full";
    case Governance::kPartial:
      return "partial";
    case Governance::kNiceOnly:
      return "nice_only";
    case Governance::kObserve:
      return "observe";
  }
  return "";
}

}  // namespace ffrtmp::govern
