#include "govern/job_result.h"

#include <gtest/gtest.h>

#include "json/json.h"

namespace ffrtmp::govern {
namespace {

TEST(DecideSla, JudgesThePlatform) {
  struct Row {
    const char* reason;
    bool compliant;
    void (*set)(JobEnd&);
  };
  const Row rows[] = {
      {"completed_successfully", true, [](JobEnd& e) { e.exit_code = 0; }},
      {"workload_failed_platform_ok", true, [](JobEnd& e) { e.exit_code = 42; }},
      {"workload_failed_platform_ok", true, [](JobEnd& e) { e.signal = 9; }},
      {"observed_to_completion", true, [](JobEnd& e) { e.is_ours = false; }},
      {"detached_workload_continues", true, [](JobEnd& e) { e.detached = true; }},
      {"start_failed", false, [](JobEnd& e) { e.started = false; }},
      {"attach_failed", false, [](JobEnd& e) { e.attached = false; }},
      {"limit_not_applied", false, [](JobEnd& e) { e.exit_code = 0, e.governance = Governance::kPartial; }},
      {"oom_killed_by_limit", false, [](JobEnd& e) { e.signal = 9, e.oom_kills = 1; }},
      {"killed_by_wrapper", false, [](JobEnd& e) { e.signal = 15, e.killed_by_wrapper = true; }},
  };
  for (const Row& row : rows) {
    JobEnd end;
    row.set(end);
    const SlaReason reason = decide_sla(end);
    EXPECT_EQ(json::enum_name(reason), row.reason);
    EXPECT_EQ(is_compliant(reason), row.compliant) << row.reason;
  }
}

TEST(JobResult, AsDocumentAndAsLine) {
  JobResult result;
  result.job_id = "j1";
  result.pid = 7;
  result.mode = "run";
  result.processing_seconds = 12.9;
  result.platform_sla_compliant = true;
  result.platform_sla_reason = SlaReason::kCompletedSuccessfully;
  const std::string text = json::encode(result);
  EXPECT_NE(text.find("\"exit_code\":null,\"signal\":null"), std::string::npos) << text;
  EXPECT_NE(text.find("\"limits\":[]"), std::string::npos);
  EXPECT_EQ(format_job_line(result),
            "JOB j1 | sla=COMPLIANT | reason=completed_successfully | runtime=12s | exit=unknown | pid=7");
  result.exit_code.text = "42";
  result.intent = "test";
  EXPECT_EQ(format_job_line(result),
            "JOB j1 | intent=test | sla=COMPLIANT | reason=completed_successfully | runtime=12s | exit=42 | pid=7");
}

}  // namespace
}  // namespace ffrtmp::govern
