#include "config/launch_settings.h"

#include <gtest/gtest.h>

#include "config/sources.h"

namespace ffrtmp::config {
namespace {

std::vector<std::string> load_run(RunSettings& settings, Flags flags,
                                  std::map<std::string, std::string> variables = {}) {
  std::vector<std::string> messages;
  for (const Error& error : load(run_table(settings), {std::move(flags),
                                                       [&](const std::string& name) -> std::optional<std::string> {
                                                         const auto at = variables.find(name);
                                                         if (at == variables.end()) return std::nullopt;
                                                         return at->second;
                                                       },
                                                       {}}))
    messages.push_back(error.message);
  for (const Error& error : check_limits(settings.govern.limits)) messages.push_back(error.message);
  return messages;
}

TEST(LaunchSettings, LimitsInTheirUnits) {
  RunSettings s;
  EXPECT_TRUE(load_run(s,
                       {{"cpu-quota", {"150"}},
                        {"memory-limit", {"64"}},
                        {"memory-swap-limit", {"0"}},
                        {"io-read-bps", {"1048576"}},
                        {"nice", {"-5"}},
                        {"pids-max", {"0"}},
                        {"cpu-weight", {"0"}}},
                       {{"FFRTMP_CPU_QUOTA", "10"}, {"FFRTMP_CPU_WEIGHT", "7"}, {"FFRTMP_IO_WEIGHT", "50"}})
                  .empty());
  const model::Limits& limits = s.govern.limits;
  EXPECT_EQ(limits.cpu_quota_percent, 150);
  EXPECT_EQ(limits.cpu_weight, std::nullopt) << "a flag of 0 clears the variable";
  EXPECT_EQ(limits.io_weight, 50);
  EXPECT_EQ(limits.memory_limit_bytes, 64 << 20);
  EXPECT_EQ(limits.memory_swap_bytes, 0);
  EXPECT_EQ(limits.io_read_bps, 1048576);
  EXPECT_EQ(limits.nice, -5);
  EXPECT_EQ(limits.pids_max, std::nullopt);
}

TEST(LaunchSettings, RangesAndDoubles) {
  struct Row {
    Flags flags;
    const char* part;
  };
  const Row rows[] = {
      {{{"cpu-quota", {"100001"}}}, "--cpu-quota: must be a whole number from 0 to 100000"},
      {{{"cpu-weight", {"10001"}}}, "from 0 to 10000"},
      {{{"nice", {"20"}}}, "from -20 to 19"},
      {{{"oom-score-adj", {"-1001"}}}, "from -1000 to 1000"},
      {{{"pids-max", {"4194305"}}}, "from 0 to 4194304"},
      {{{"memory-limit", {"-1"}}}, "--memory-limit"},
      {{{"job-id", {""}}}, "--job-id: must not be empty"},
      {{{"placement", {"x"}}}, "nested or root"},
      {{{"kill-grace", {"10"}}}, "a duration"},
      {{{"cpu-max", {"5"}}}, "quota of at least 1000"},
      {{{"cpu-max", {"50000 10"}}}, "period from 1000"},
      {{{"io-max", {"sda rbps=1"}}}, "MAJ:MIN"},
      {{{"io-max", {"8:0 bps=1"}}}, "has no key \"bps\""},
      {{{"io-max", {"8:0 rbps=0"}}}, "above 0"},
      {{{"memory-max", {"64M"}}}, "a number of bytes"},
      {{{"cpu-max", {"50000 100000"}}, {"cpu-quota", {"50"}}}, "same file"},
      {{{"memory-max", {"67108864"}}, {"memory-limit", {"64"}}}, "same file"},
      {{{"io-max", {"8:0 rbps=1"}}, {"io-write-bps", {"1"}}}, "same file"},
      {{{"memory-high", {"65"}}, {"memory-limit", {"64"}}}, "must not be above"},
  };
  for (const Row& row : rows) {
    RunSettings s;
    const auto messages = load_run(s, row.flags);
    ASSERT_EQ(messages.size(), 1u) << row.part;
    EXPECT_NE(messages[0].find(row.part), std::string::npos) << messages[0];
  }
}

TEST(LaunchSettings, RawForms) {
  RunSettings s;
  EXPECT_TRUE(
      load_run(s,
               {{"cpu-max", {"20000 50000"}}, {"memory-max", {"1048577"}}, {"io-max", {"8:0 rbps=1 wbps=max riops=3"}}})
          .empty());
  EXPECT_EQ(s.govern.limits.cpu_max, (model::CpuMax{20000, 50000}));
  EXPECT_EQ(s.govern.limits.memory_limit_bytes, 1048577);
  EXPECT_EQ(s.govern.limits.io_max, (std::vector<model::DeviceLimit>{{"8:0", 1, std::nullopt, 3, std::nullopt}}));
  RunSettings none;
  EXPECT_TRUE(load_run(none, {{"cpu-max", {"max 100000"}}}).empty());
  EXPECT_EQ(none.govern.limits.cpu_max, std::nullopt);
}

}  // namespace
}  // namespace ffrtmp::config
