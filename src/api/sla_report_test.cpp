#include "api/sla_report.h"

#include <gtest/gtest.h>

namespace ffrtmp::api {
namespace {

using model::SlaVerdict;

TEST(SlaReport, SumsToAllClosedJobs) {
  const std::vector<store::SlaCount> counts{
      {"720p", model::Queue::kLive, model::Classification::kProduction, SlaVerdict::kCompliant,
       "completed_successfully", true, 6},
      {"720p", model::Queue::kLive, std::nullopt, SlaVerdict::kViolation, "platform_failure", true, 1},
      {"720p", model::Queue::kDefault, std::nullopt, SlaVerdict::kUndetermined, "cause_unknown", true, 1},
      {"test", model::Queue::kDefault, std::nullopt, SlaVerdict::kViolation, "platform_failure", false, 4},
  };
  const SlaReport report = make_sla_report(counts, SlaGrouping::kScenario);
  EXPECT_EQ(report.total.jobs, 12);
  EXPECT_EQ(report.total.compliant + report.total.violation + report.total.undetermined + report.total.not_counted, 12);
  EXPECT_DOUBLE_EQ(report.total.rate.value(), 0.75);
  ASSERT_EQ(report.groups.size(), 2U);
  EXPECT_EQ(report.groups[0].name, "720p");
  EXPECT_EQ(report.groups[0].jobs, 8);
  EXPECT_EQ(report.groups[1].not_counted, 4);
  EXPECT_FALSE(report.groups[1].rate) << "nothing that counts";

  const SlaReport reasons = make_sla_report(counts, SlaGrouping::kReason);
  ASSERT_EQ(reasons.groups.size(), 3U);
  EXPECT_EQ(reasons.groups[2].name, "platform_failure");
  EXPECT_EQ(reasons.groups[2].jobs, 5);
  EXPECT_EQ(make_sla_report(counts, SlaGrouping::kClassification).groups[0].name, "none");
  EXPECT_FALSE(make_sla_report({}, SlaGrouping::kQueue).total.rate);
}

}  // namespace
}  // namespace ffrtmp::api
