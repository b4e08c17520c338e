#include "worker/job_limits.h"

#include <gtest/gtest.h>

namespace ffrtmp::worker {
namespace {

constexpr std::int64_t kGib = std::int64_t{1} << 30;

TEST(JobLimits, AreThoseOfTheJob) {
  model::ResourceLimits asked;
  asked.max_cpu_percent = 150;
  asked.max_memory_mb = 512;
  asked.cpu_weight = 50;
  asked.pids_max = 64;
  asked.io_max = "8:0 rbps=1048576 wiops=max";
  asked.max_disk_mb = 9;
  asked.timeout_sec = 60;
  model::Limits expected;
  expected.cpu_quota_percent = 150;
  expected.memory_limit_bytes = 536'870'912;
  expected.cpu_weight = 50;
  expected.pids_max = 64;
  expected.io_max = {{"8:0", 1'048'576, std::nullopt, std::nullopt, std::nullopt}};
  EXPECT_EQ(limits_of(asked, 100 * kGib, 4), expected);
}

TEST(JobLimits, MemoryIsTheSlotsShareOfFourFifthsOfTheRam) {
  model::Limits expected;
  expected.memory_limit_bytes = 20 * kGib;
  EXPECT_EQ(limits_of({}, 100 * kGib, 4), expected);
  EXPECT_EQ(limits_of({}, 0, 4), model::Limits()) << "of unknown RAM there is no share";
}

TEST(JobLimits, AGroupWithoutTheEngineHoldsNothing) {
  govern::LimitReport memory;
  memory.limit = govern::LimitName::kMemoryLimit;
  memory.status = govern::LimitStatus::kApplied;
  memory.file = "/sys/fs/cgroup/memory/ffrtmp/a/memory.limit_in_bytes";
  memory.wanted = memory.observed = "536870912";
  govern::LimitReport pids = memory;
  pids.limit = govern::LimitName::kPidsMax;
  pids.file = "/sys/fs/cgroup/pids/ffrtmp/a/pids.max";
  const auto told = tell_limits({memory, pids}, {"/sys/fs/cgroup/pids/ffrtmp/a"});
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].limit, "memory_limit");
  EXPECT_EQ(told[0].status, "applied");
  EXPECT_FALSE(told[0].observed) << "told only when it differs";
  EXPECT_EQ(told[1].status, "failed");
  EXPECT_EQ(tell_limits({pids}, {"/sys/fs/cgroup/pids/ffrtmp"})[0].status, "failed");
  EXPECT_EQ(tell_limits({pids}, {"/sys/fs/cgroup/pids/ff"})[0].status, "applied");
}

}  // namespace
}  // namespace ffrtmp::worker
