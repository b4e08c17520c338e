// Limits written to plain files: what counts is what reads back.
#include "govern/control_files.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "base/fault.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::govern {
namespace {

class ControlFiles : public testing::Test {
 protected:
  ~ControlFiles() override { (void)fault::arm("").has_value(); }
  void put(const std::string& file, const std::string& text) const { test::write_file(dir_ / file, text); }
  std::vector<LimitReport> write(const Limits& limits) {
    group_.emplace(std::move(*sys::CgroupDir::open(dir_.path())));
    return write_limits(plan(limits), {{Controller::kCpu, &*group_}, {Controller::kMemory, &*group_}});
  }
  LimitPlan plan(const Limits& limits) const {
    Capabilities capabilities;
    for (const Controller controller : {Controller::kCpu, Controller::kMemory})
      capabilities.controllers[controller] = {sys::CgroupVersion::kV1, "cpu,memory", group_->files()};
    return plan_limits(limits, capabilities);
  }
  test::TempDir dir_;
  std::optional<sys::CgroupDir> group_;
};

Limits memory(std::int64_t bytes) {
  Limits limits;
  limits.memory_limit_bytes = bytes;
  return limits;
}

TEST_F(ControlFiles, AppliedIsWhatReadsBack) {
  put("memory.limit_in_bytes", "");
  const auto reports = write(memory(4096));
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].status, LimitStatus::kApplied);
  EXPECT_EQ(reports[0].observed, "4096");
  EXPECT_EQ(reports[0].file, dir_ / "memory.limit_in_bytes");
}

TEST_F(ControlFiles, AWriteThatTookNoEffectIsFailed) {
  put("memory.limit_in_bytes", "9223372036854771712\n");  // a plain file keeps the tail of a longer text
  const auto reports = write(memory(4096));
  EXPECT_EQ(reports.at(0).status, LimitStatus::kFailed);
  EXPECT_EQ(reports.at(0).err, 0);
  EXPECT_EQ(reports.at(0).wanted, "4096");
  EXPECT_EQ(reports.at(0).observed, "4096372036854771712");
}

TEST_F(ControlFiles, StatusFollowsErrno) {
  struct Row {
    const char* fault;
    LimitStatus status;
    int err;
  };
  for (const Row& row :
       {Row{"write:EACCES", LimitStatus::kDenied, EACCES}, Row{"write:EROFS", LimitStatus::kDenied, EROFS},
        Row{"write:EBUSY", LimitStatus::kFailed, EBUSY}, Row{"write:ENODEV", LimitStatus::kUnsupported, ENODEV}}) {
    put("memory.limit_in_bytes", "7\n");
    ASSERT_TRUE(fault::arm(row.fault));
    const auto reports = write(memory(64 << 20));
    EXPECT_EQ(reports.at(0).status, row.status) << row.fault;
    EXPECT_EQ(reports.at(0).err, row.err) << row.fault;
  }
  // It is so already, whatever write(2) said.
  put("memory.limit_in_bytes", "67108864\n");
  EXPECT_EQ(write(memory(64 << 20)).at(0).status, LimitStatus::kApplied);
}

TEST_F(ControlFiles, TheFirstOfTwoThatDependHasASecondTurn) {
  put("memory.limit_in_bytes", "");
  put("memory.memsw.limit_in_bytes", "");
  Limits limits = memory(4096);
  limits.memory_swap_bytes = 4096;
  ASSERT_TRUE(fault::arm("write:EINVAL:1"));
  const auto reports = write(limits);
  ASSERT_EQ(reports.size(), 2u);
  for (const LimitReport& report : reports) EXPECT_EQ(report.status, LimitStatus::kApplied) << report.file;
}

TEST_F(ControlFiles, OneReportALimitTheWorstOfItsFiles) {
  put("cpu.cfs_period_us", "");
  put("cpu.cfs_quota_us", "-1999999999\n");
  Limits limits;
  limits.cpu_quota_percent = 50;
  const auto reports = write(limits);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].status, LimitStatus::kFailed);
  EXPECT_EQ(reports[0].file, dir_ / "cpu.cfs_quota_us");
}

TEST_F(ControlFiles, AMissingFileIsUnsupported) {
  const auto reports = write(memory(4096));
  EXPECT_EQ(reports.at(0).status, LimitStatus::kUnsupported);
  EXPECT_EQ(reports.at(0).detail, "no memory.limit_in_bytes");
}

TEST_F(ControlFiles, ResetWritesNone) {
  for (const char* file : {"cpu.cfs_period_us", "cpu.cfs_quota_us", "cpu.shares", "memory.limit_in_bytes"})
    put(file, "");
  Limits limits = memory(4096);
  limits.cpu_quota_percent = 50;
  limits.cpu_weight = 7;
  (void)write(limits);
  for (const char* file : {"cpu.cfs_quota_us", "cpu.shares", "memory.limit_in_bytes"}) put(file, "");
  reset_limits(plan(limits), {{Controller::kCpu, &*group_}, {Controller::kMemory, &*group_}});
  EXPECT_EQ(test::read_file(dir_ / "cpu.cfs_quota_us"), "-1");
  EXPECT_EQ(test::read_file(dir_ / "cpu.shares"), "1024");
  EXPECT_EQ(test::read_file(dir_ / "memory.limit_in_bytes"), "-1");
}

// Defaults of the kernel: https://docs.kernel.org/admin-guide/cgroup-v1/blkio-controller.html,
// .../block/bfq-iosched.html
TEST_F(ControlFiles, ResetGivesAWeightItsOwnDefault) {
  struct Row {
    const char* file;
    const char* none;
  };
  for (const Row& row : {Row{"blkio.weight", "500"}, Row{"blkio.bfq.weight", "100"}}) {
    const test::TempDir dir;
    test::write_file(dir / row.file, "");
    const auto group = sys::CgroupDir::open(dir.path());
    ASSERT_TRUE(group);
    Capabilities capabilities;
    capabilities.controllers[Controller::kIo] = {sys::CgroupVersion::kV1, "blkio", group->files()};
    Limits limits;
    limits.io_weight = 20;
    reset_limits(plan_limits(limits, capabilities), {{Controller::kIo, &*group}});
    EXPECT_EQ(test::read_file(dir / row.file), row.none) << row.file;
  }
}

}  // namespace
}  // namespace ffrtmp::govern
