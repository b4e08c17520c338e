#pragma once
// `ffrtmp explain PID`: every question that `watch` asks of a process, with what was seen, what the rule is and who
// wrote it. No question is left out because another was answered with no.
#include <boost/describe.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "watch/settings.h"

namespace ffrtmp::watch {

enum class TestOutcome : std::uint8_t { kPass, kFail, kSkip };
BOOST_DESCRIBE_ENUM(TestOutcome, kPass, kFail, kSkip)

struct Test {
  std::string test;  // "alive", "kernel_thread", "self", "claim", "command", "users", …
  TestOutcome outcome = TestOutcome::kSkip;
  std::string observed;
  std::string rule;
  std::string provenance;  // "flag", "env", "file:line", "default"; empty: no setting decides it
};
BOOST_DESCRIBE_STRUCT(Test, (), (test, outcome, observed, rule, provenance))

enum class ExplainVerdict : std::uint8_t { kGoverned, kWouldGovern, kWaitingMinRuntime, kNotGoverned, kExempt };
BOOST_DESCRIBE_ENUM(ExplainVerdict, kGoverned, kWouldGovern, kWaitingMinRuntime, kNotGoverned, kExempt)

struct Explanation {
  std::int64_t pid = 0;
  ExplainVerdict verdict = ExplainVerdict::kNotGoverned;
  std::string command;  // the target it runs
  std::vector<Test> tests;
};
BOOST_DESCRIBE_STRUCT(Explanation, (), (pid, verdict, command, tests))

// kGone when there is no such process.
[[nodiscard]] Result<Explanation> explain(const WatchSettings& settings, pid_t pid);

[[nodiscard]] std::string encode_explanation(const Explanation& explanation);

}  // namespace ffrtmp::watch
