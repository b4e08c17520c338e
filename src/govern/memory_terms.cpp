#include "govern/memory_terms.h"

#include <algorithm>

#include "base/text.h"

namespace ffrtmp::govern {
namespace {

LimitReport* find(std::vector<LimitReport>& reports, LimitName limit) {
  const auto at =
      std::find_if(reports.begin(), reports.end(), [&](const LimitReport& report) { return report.limit == limit; });
  return at == reports.end() ? nullptr : &*at;
}

}  // namespace

Limits limits_in_terms(Limits asked, const MemoryDecision& decision) {
  if (!asked.memory_limit_bytes) return asked;
  asked.memory_limit_bytes = decision.hard_bytes;
  if (decision.high_bytes)
    asked.memory_high_bytes = std::min(*decision.high_bytes, asked.memory_high_bytes.value_or(*decision.high_bytes));
  return asked;
}

std::vector<LimitReport> reports_in_terms(std::vector<LimitReport> reports, const Limits& asked,
                                          const MemoryDecision& decision) {
  if (!asked.memory_limit_bytes || decision.shortfall.empty()) return reports;
  LimitReport limit;
  limit.limit = LimitName::kMemoryLimit;
  limit.wanted = cat(*asked.memory_limit_bytes);
  limit.detail = decision.shortfall;
  if (decision.high_bytes) {
    // In force as pressure, as far as memory.high is.
    if (const LimitReport* high = find(reports, LimitName::kMemoryHigh)) {
      limit.file = high->file;
      limit.observed = high->observed;
      limit.err = high->err;
      limit.status = high->status == LimitStatus::kApplied ? LimitStatus::kDegraded : high->status;
    }
    if (!asked.memory_high_bytes)
      std::erase_if(reports, [](const LimitReport& report) { return report.limit == LimitName::kMemoryHigh; });
  } else if (const LimitReport* hard = find(reports, LimitName::kMemoryLimit)) {
    limit.file = hard->file;
    limit.observed = hard->observed;
    limit.err = hard->err;
    limit.status = hard->status == LimitStatus::kApplied ? LimitStatus::kDegraded : hard->status;
  }
  if (LimitReport* hard = find(reports, LimitName::kMemoryLimit))
    *hard = std::move(limit);
  else
    reports.push_back(std::move(limit));
  return reports;
}

}  // namespace ffrtmp::govern
