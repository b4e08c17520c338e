#include "sys/machine_load.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::sys {
namespace {

class Machine : public testing::Test {
 protected:
  void put(const std::string& path, const std::string& text) const { test::write_file(root_ / path, text); }
  test::TempDir root_;
  const Host host_{root_ / "proc", root_ / "sys"};
};

TEST_F(Machine, BusyIsAllButIdleAndWaitingForDisks) {
  put("proc/stat", "cpu  100 10 50 800 40 0 0 0 7 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n");
  const auto before = read_cpu_times(host_);
  ASSERT_TRUE(before);
  EXPECT_EQ(before->busy, 160U);
  EXPECT_EQ(before->total, 1000U) << "guest time is in user";
  put("proc/stat", "cpu  150 10 75 870 45 0 0 50 7 0\n");
  EXPECT_DOUBLE_EQ(*busy_percent(*before, *read_cpu_times(host_)), 62.5) << "125 of 200 ticks";
  EXPECT_FALSE(busy_percent(*before, *before)) << "no tick has passed";
  put("proc/stat", "cpu  1 2\n");
  EXPECT_EQ(read_cpu_times(host_).error().code, Errc::kCorrupt);
}

TEST_F(Machine, MemoryIsWhatTheKernelEstimates) {
  put("proc/meminfo", "MemTotal:       1000 kB\nMemFree:         1 kB\nMemAvailable:    400 kB\n");
  const auto sizes = read_memory_sizes(host_);
  ASSERT_TRUE(sizes);
  EXPECT_EQ(sizes->total_bytes, 1'024'000);
  EXPECT_EQ(sizes->available_bytes, 409'600);
  put("proc/meminfo", "MemTotal:       1000 kB\n");
  EXPECT_FALSE(read_memory_sizes(host_));
}

TEST_F(Machine, ABatteryIsOneThatRunsTheMachine) {
  EXPECT_FALSE(has_battery(host_));
  put("sys/class/power_supply/AC/type", "Mains\n");
  put("sys/class/power_supply/hid-mouse/type", "Battery\n");
  put("sys/class/power_supply/hid-mouse/scope", "Device\n");
  EXPECT_FALSE(has_battery(host_));
  put("sys/class/power_supply/BAT0/type", "Battery\n");
  EXPECT_TRUE(has_battery(host_));
}

TEST_F(Machine, TheNarrowestBoundOnTheWayCounts) {
  put("proc/self/mountinfo", cat("41 31 0:38 / ", root_ / "cg", " rw - cgroup2 cgroup2 rw\n"));
  put("cg/cgroup.controllers", "cpu memory\n");
  put("proc/self/cgroup", "0::/pod/unit\n");
  put("cg/pod/cpu.max", "150000 100000\n");
  put("cg/pod/memory.max", "max\n");
  put("cg/pod/unit/cpu.max", "max 100000\n");
  put("cg/pod/unit/memory.max", "1048576\n");
  const OwnBounds bounds = read_own_bounds(host_);
  EXPECT_EQ(bounds.cpus, 1.5);
  EXPECT_EQ(bounds.memory_bytes, 1'048'576);
}

TEST_F(Machine, V1SaysNoLimitWithItsLargestNumber) {
  put("proc/self/mountinfo", cat("41 31 0:38 / ", root_ / "cpu", " rw - cgroup cgroup rw,cpu\n", "42 31 0:39 / ",
                                 root_ / "memory", " rw - cgroup cgroup rw,memory\n"));
  put("proc/self/cgroup", "2:cpu:/a\n3:memory:/a\n");
  put("cpu/a/cpu.cfs_quota_us", "-1\n");
  put("cpu/a/cpu.cfs_period_us", "100000\n");
  put("memory/a/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_FALSE(read_own_bounds(host_).cpus);
  EXPECT_FALSE(read_own_bounds(host_).memory_bytes);
  put("cpu/a/cpu.cfs_quota_us", "50000\n");
  put("memory/memory.limit_in_bytes", "4096\n");
  EXPECT_EQ(read_own_bounds(host_).cpus, 0.5);
  EXPECT_EQ(read_own_bounds(host_).memory_bytes, 4096);
}

}  // namespace
}  // namespace ffrtmp::sys
