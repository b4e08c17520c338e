#include "api/sla_report.h"

#include <map>

#include "json/json.h"

namespace ffrtmp::api {
namespace {

constexpr const char* kNoClassification = "none";

std::string group_of(const store::SlaCount& count, SlaGrouping by) {
  switch (by) {
    case SlaGrouping::kScenario:
      return count.scenario;
    case SlaGrouping::kQueue:
      return json::enum_name(count.queue);
    case SlaGrouping::kClassification:
      return count.classification ? json::enum_name(*count.classification) : kNoClassification;
    case SlaGrouping::kReason:
      return count.reason;
  }
  return {};
}

void add(SlaRow& row, const store::SlaCount& count) {
  row.jobs += count.jobs;
  if (!count.counts) {
    row.not_counted += count.jobs;
    return;
  }
  switch (count.verdict) {
    case model::SlaVerdict::kCompliant:
      row.compliant += count.jobs;
      break;
    case model::SlaVerdict::kViolation:
      row.violation += count.jobs;
      break;
    case model::SlaVerdict::kUndetermined:
      row.undetermined += count.jobs;
      break;
  }
}

void put_rate(SlaRow& row) {
  const std::int64_t counted = row.jobs - row.not_counted;
  if (counted > 0) row.rate = static_cast<double>(row.compliant) / static_cast<double>(counted);
}

}  // namespace

SlaReport make_sla_report(const std::vector<store::SlaCount>& counts, SlaGrouping by) {
  SlaReport report;
  report.by = by;
  report.total.name = "total";
  std::map<std::string, SlaRow> groups;
  for (const store::SlaCount& count : counts) {
    add(report.total, count);
    SlaRow& group = groups[group_of(count, by)];
    group.name = group_of(count, by);
    add(group, count);
  }
  put_rate(report.total);
  for (auto& [name, group] : groups) {
    put_rate(group);
    report.groups.push_back(std::move(group));
  }
  return report;
}

}  // namespace ffrtmp::api
