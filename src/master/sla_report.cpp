#include "master/sla_report.h"

#include <algorithm>
#include <map>

#include "json/json.h"
#include "model/sla.h"

namespace ffrtmp::master {
namespace {

// Of a job that ended as it should.
constexpr std::string_view kNoReason = "none";

std::string key_of(const store::SlaCount& count, SlaBy by) {
  switch (by) {
    case SlaBy::kScenario:
      return count.scenario;
    case SlaBy::kQueue:
      return json::enum_name(count.queue);
    case SlaBy::kReason:
      return count.reason.empty() ? std::string(kNoReason) : count.reason;
    case SlaBy::kClassification:
      break;
  }
  model::JobSpec spec;
  spec.classification = count.classification;
  spec.queue = count.queue;
  return std::string(model::sla_category(spec));
}

void add(api::SlaTally& tally, const store::SlaCount& count) {
  tally.jobs += count.jobs;
  if (!count.is_worthy) {
    tally.unworthy += count.jobs;
    return;
  }
  switch (count.verdict) {
    case model::SlaVerdict::kCompliant:
      tally.compliant += count.jobs;
      break;
    case model::SlaVerdict::kViolation:
      tally.violation += count.jobs;
      break;
    case model::SlaVerdict::kUndetermined:
      tally.undetermined += count.jobs;
      break;
  }
}

void finish(api::SlaTally& tally) {
  const std::int64_t judged = tally.compliant + tally.violation + tally.undetermined;
  if (judged > 0) tally.rate = static_cast<double>(tally.compliant) / static_cast<double>(judged);
}

}  // namespace

api::SlaReport make_sla_report(const std::vector<store::SlaCount>& counts, const SlaQuery& query) {
  api::SlaReport report{query.from, query.to, json::enum_name(query.by), {}, {}};
  std::map<std::string, api::SlaTally> groups;
  for (const store::SlaCount& count : counts) {
    add(groups[key_of(count, query.by)], count);
    add(report.total, count);
  }
  finish(report.total);
  for (auto& [key, tally] : groups) {
    finish(tally);
    api::SlaGroup& group = report.groups.emplace_back();
    static_cast<api::SlaTally&>(group) = tally;
    group.key = key;
  }
  std::stable_sort(report.groups.begin(), report.groups.end(),
                   [](const api::SlaGroup& a, const api::SlaGroup& b) { return a.jobs > b.jobs; });
  return report;
}

}  // namespace ffrtmp::master
