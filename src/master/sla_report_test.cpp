#include "master/sla_report.h"

#include <gtest/gtest.h>

namespace ffrtmp::master {
namespace {

using model::Classification;
using model::Queue;
using model::SlaVerdict;

std::vector<store::SlaCount> counts() {
  return {{"720p", Queue::kDefault, std::nullopt, true, SlaVerdict::kCompliant, "", 6},
          {"720p", Queue::kLive, std::nullopt, true, SlaVerdict::kViolation, "queue_time_exceeded", 1},
          {"720p", Queue::kBatch, std::nullopt, true, SlaVerdict::kUndetermined, "cause_unknown", 1},
          {"test", Queue::kDefault, Classification::kTest, false, SlaVerdict::kViolation, "platform_failure", 3},
          {"test", Queue::kDefault, Classification::kProduction, true, SlaVerdict::kCompliant, "", 1}};
}

std::vector<std::string> keys(SlaBy by) {
  std::vector<std::string> out;
  std::int64_t sum = 0;
  for (const api::SlaGroup& group : make_sla_report(counts(), {{}, {}, by}).groups) {
    out.push_back(group.key);
    sum += group.jobs;
    EXPECT_EQ(group.jobs, group.compliant + group.violation + group.undetermined + group.unworthy) << group.key;
  }
  EXPECT_EQ(sum, 12) << "of all closed jobs none is missing and none counts twice";
  return out;
}

TEST(SlaReport, SumsToAllClosedJobsByWhateverItIsGrouped) {
  EXPECT_EQ(keys(SlaBy::kScenario), (std::vector<std::string>{"720p", "test"}));
  EXPECT_EQ(keys(SlaBy::kQueue), (std::vector<std::string>{"default", "batch", "live"}));
  EXPECT_EQ(keys(SlaBy::kClassification), (std::vector<std::string>{"other", "test", "batch", "production"}));
  EXPECT_EQ(keys(SlaBy::kReason),
            (std::vector<std::string>{"none", "platform_failure", "cause_unknown", "queue_time_exceeded"}));
}

TEST(SlaReport, TheRateIsOfTheWorthyAndCountsTheUndetermined) {
  const auto report = make_sla_report(counts(), {});
  EXPECT_EQ(report.by, "scenario");
  EXPECT_EQ(report.total.unworthy, 3);
  EXPECT_DOUBLE_EQ(report.total.rate.value(), 7.0 / 9);
  EXPECT_DOUBLE_EQ(report.groups[0].rate.value(), 6.0 / 8);
  EXPECT_FALSE(make_sla_report({}, {}).total.rate) << "nothing was measured";
  const auto by_reason = make_sla_report(counts(), {{}, {}, SlaBy::kReason});
  EXPECT_FALSE(by_reason.groups[1].rate) << "none of them counts";
}

}  // namespace
}  // namespace ffrtmp::master
