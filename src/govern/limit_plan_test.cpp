// Every row of the contract's table of values, for v2 and v1.
#include "govern/limit_plan.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace ffrtmp::govern {
namespace {

using sys::CgroupVersion;

const std::set<std::string> kV2Files = {"cpu.max",  "cpu.weight", "memory.max",    "memory.high", "memory.swap.max",
                                        "pids.max", "io.weight",  "io.bfq.weight", "io.max"};
const std::set<std::string> kV1Files = {"cpu.cfs_period_us",
                                        "cpu.cfs_quota_us",
                                        "cpu.shares",
                                        "memory.limit_in_bytes",
                                        "memory.soft_limit_in_bytes",
                                        "memory.memsw.limit_in_bytes",
                                        "pids.max",
                                        "blkio.bfq.weight",
                                        "blkio.weight",
                                        "blkio.throttle.read_bps_device",
                                        "blkio.throttle.write_bps_device",
                                        "blkio.throttle.read_iops_device",
                                        "blkio.throttle.write_iops_device"};

Capabilities host(CgroupVersion version, const std::set<std::string>& without = {}) {
  Capabilities capabilities;
  std::set<std::string> files = version == CgroupVersion::kV2 ? kV2Files : kV1Files;
  for (const std::string& file : without) files.erase(file);
  for (const Controller controller : kControllers)
    capabilities.controllers[controller] = {version, std::string(kernel_name(controller, version)), files};
  capabilities.disks = {"8:0", "254:16"};
  return capabilities;
}

// "file=text", in order.
std::vector<std::string> written(const LimitPlan& plan) {
  std::vector<std::string> lines;
  for (const LimitWrite& write : plan.writes) lines.push_back(cat(write.file, "=", write.text));
  return lines;
}

Limits with(void (*set)(Limits&)) {
  Limits limits;
  set(limits);
  return limits;
}

struct Row {
  const char* what;
  Limits limits;
  std::vector<std::string> v2;
  std::vector<std::string> v1;
};

// contract: G10
TEST(PlanLimits, EveryRowOfTheTable) {
  const Row rows[] = {
      {"cpu_quota",
       with([](Limits& l) { l.cpu_quota_percent = 50; }),
       {"cpu.max=50000 100000"},
       {"cpu.cfs_period_us=100000", "cpu.cfs_quota_us=50000"}},
      {"cpu_quota of three CPUs",
       with([](Limits& l) { l.cpu_quota_percent = 300; }),
       {"cpu.max=300000 100000"},
       {"cpu.cfs_period_us=100000", "cpu.cfs_quota_us=300000"}},
      {"raw cpu.max",
       with([](Limits& l) {
         l.cpu_max = model::CpuMax{15000, 20000};
       }),
       {"cpu.max=15000 20000"},
       {"cpu.cfs_period_us=20000", "cpu.cfs_quota_us=15000"}},
      {"cpu_weight", with([](Limits& l) { l.cpu_weight = 100; }), {"cpu.weight=100"}, {"cpu.shares=1024"}},
      {"cpu_weight 1", with([](Limits& l) { l.cpu_weight = 1; }), {"cpu.weight=1"}, {"cpu.shares=10"}},
      {"cpu_weight 10000", with([](Limits& l) { l.cpu_weight = 10000; }), {"cpu.weight=10000"}, {"cpu.shares=102400"}},
      {"memory_limit",
       with([](Limits& l) { l.memory_limit_bytes = 64 << 20; }),
       {"memory.max=67108864"},
       {"memory.limit_in_bytes=67108864"}},
      {"memory_high",
       with([](Limits& l) { l.memory_high_bytes = 50 << 20; }),
       {"memory.high=52428800"},
       {"memory.soft_limit_in_bytes=52428800"}},
      {"memory_limit and no swap",
       with([](Limits& l) { l.memory_limit_bytes = 64 << 20, l.memory_swap_bytes = 0; }),
       {"memory.max=67108864", "memory.swap.max=0"},
       {"memory.limit_in_bytes=67108864", "memory.memsw.limit_in_bytes=67108864"}},
      {"memory_swap_limit adds up in v1",
       with([](Limits& l) { l.memory_limit_bytes = 64 << 20, l.memory_swap_bytes = 1 << 20; }),
       {"memory.max=67108864", "memory.swap.max=1048576"},
       {"memory.limit_in_bytes=67108864", "memory.memsw.limit_in_bytes=68157440"}},
      {"pids_max", with([](Limits& l) { l.pids_max = 20; }), {"pids.max=20"}, {"pids.max=20"}},
      {"io_weight up to 100",
       with([](Limits& l) { l.io_weight = 50; }),
       {"io.weight=default 50"},
       {"blkio.bfq.weight=50"}},
      {"io_weight above",
       with([](Limits& l) { l.io_weight = 10000; }),
       {"io.weight=default 10000"},
       {"blkio.bfq.weight=1000"}},
      {"io_read_bps",
       with([](Limits& l) { l.io_read_bps = 1048576; }),
       {"io.max=8:0 rbps=1048576", "io.max=254:16 rbps=1048576"},
       {"blkio.throttle.read_bps_device=8:0 1048576", "blkio.throttle.read_bps_device=254:16 1048576"}},
      {"io_write_bps",
       with([](Limits& l) { l.io_write_bps = 4096; }),
       {"io.max=8:0 wbps=4096", "io.max=254:16 wbps=4096"},
       {"blkio.throttle.write_bps_device=8:0 4096", "blkio.throttle.write_bps_device=254:16 4096"}},
      {"a named device beside all others",
       with([](Limits& l) {
         l.io_read_bps = 4096;
         l.io_max = {{"8:0", 1, 2, 3, 4}};
       }),
       {"io.max=254:16 rbps=4096", "io.max=8:0 rbps=1", "io.max=8:0 wbps=2", "io.max=8:0 riops=3",
        "io.max=8:0 wiops=4"},
       {"blkio.throttle.read_bps_device=254:16 4096", "blkio.throttle.read_bps_device=8:0 1",
        "blkio.throttle.write_bps_device=8:0 2", "blkio.throttle.read_iops_device=8:0 3",
        "blkio.throttle.write_iops_device=8:0 4"}},
      {"nothing for a cgroup", with([](Limits& l) { l.nice = 5, l.oom_score_adj = 100; }), {}, {}},
  };
  for (const Row& row : rows) {
    const LimitPlan v2 = plan_limits(row.limits, host(CgroupVersion::kV2));
    const LimitPlan v1 = plan_limits(row.limits, host(CgroupVersion::kV1));
    EXPECT_EQ(written(v2), row.v2) << row.what;
    EXPECT_EQ(written(v1), row.v1) << row.what;
    EXPECT_TRUE(v2.refused.empty() && v1.refused.empty()) << row.what;
  }
}

TEST(PlanLimits, FallsBackToTheWeightThatIsThere) {
  const auto text = [](int weight, const Capabilities& capabilities) {
    Limits limits;
    limits.io_weight = weight;
    return written(plan_limits(limits, capabilities)).at(0);
  };
  const Capabilities bfq = host(CgroupVersion::kV2, {"io.weight"});
  EXPECT_EQ(text(100, bfq), "io.bfq.weight=100");
  EXPECT_EQ(text(1200, bfq), "io.bfq.weight=200");
  const Capabilities plain_v1 = host(CgroupVersion::kV1, {"blkio.bfq.weight"});
  EXPECT_EQ(text(1, plain_v1), "blkio.weight=10");
  EXPECT_EQ(text(100, plain_v1), "blkio.weight=500");
  EXPECT_EQ(text(10000, plain_v1), "blkio.weight=1000");
}

TEST(PlanLimits, SaysWhatItCannot) {
  Limits limits;
  limits.cpu_quota_percent = 50;
  limits.memory_limit_bytes = 1 << 20;
  limits.memory_swap_bytes = 0;
  limits.io_weight = 10;
  limits.io_read_bps = 1;
  Capabilities capabilities = host(CgroupVersion::kV1, {"memory.memsw.limit_in_bytes"});
  capabilities.controllers.erase(Controller::kCpu);
  capabilities.controllers.erase(Controller::kIo);
  const LimitPlan plan = plan_limits(limits, capabilities);
  EXPECT_EQ(written(plan), std::vector<std::string>{"memory.limit_in_bytes=1048576"});
  std::vector<std::string> refused;
  for (const LimitReport& report : plan.refused) {
    EXPECT_EQ(report.status, LimitStatus::kUnsupported);
    refused.push_back(cat(name_of(report.limit), ": ", report.detail));
  }
  EXPECT_EQ(refused, (std::vector<std::string>{"cpu_quota: no cpu controller",
                                               "memory_swap_limit: no memory.memsw.limit_in_bytes",
                                               "io_weight: no io controller", "io_read_bps: no io controller"}));

  capabilities = host(CgroupVersion::kV2);
  capabilities.disks.clear();
  EXPECT_EQ(plan_limits(with([](Limits& l) { l.io_read_bps = 1; }), capabilities).refused.at(0).detail, "no disk");
  EXPECT_EQ(plan_limits(with([](Limits& l) { l.memory_swap_bytes = 1; }), host(CgroupVersion::kV1)).refused.size(), 1u);
}

TEST(PlanLimits, IsHonestAboutWeightsAndSoftLimits) {
  const auto degraded = [](void (*set)(Limits&), const Capabilities& capabilities) {
    return !plan_limits(with(set), capabilities).writes.at(0).degraded.empty();
  };
  const auto weight = [](Limits& l) { l.io_weight = 10; };
  const auto high = [](Limits& l) { l.memory_high_bytes = 1 << 20; };
  Capabilities v1 = host(CgroupVersion::kV1);
  Capabilities v2 = host(CgroupVersion::kV2);
  EXPECT_FALSE(degraded(weight, v1));
  EXPECT_FALSE(degraded(weight, v2));
  v1.bfq_is_used = false;
  v2.io_cost_is_on = false;
  EXPECT_TRUE(degraded(weight, v1));
  EXPECT_TRUE(degraded(weight, v2));
  EXPECT_TRUE(degraded(high, v1));
  EXPECT_FALSE(degraded(high, v2));
}

TEST(Matches, Table) {
  struct Case {
    ReadBack how;
    const char* wanted;
    const char* observed;
    bool same;
  };
  const Case cases[] = {
      {ReadBack::kText, "50000 100000", "50000 100000\n", true},
      {ReadBack::kText, "50000 100000", "max 100000\n", false},
      {ReadBack::kPages, "67108864", "67108864\n", true},
      {ReadBack::kPages, "67108865", "67108864\n", true},
      {ReadBack::kPages, "67108864", "67112960\n", false},
      {ReadBack::kPages, "67108864", "max\n", false},
      {ReadBack::kPages, "67108864", "66000000\n", false},
      {ReadBack::kDefaultWeight, "default 50", "default 50\n8:0 100\n", true},
      {ReadBack::kDefaultWeight, "50", "default 50\n", true},
      {ReadBack::kDefaultWeight, "50", "50\n", true},
      {ReadBack::kDefaultWeight, "default 50", "default 100\n", false},
      {ReadBack::kDeviceKeys, "8:0 rbps=1", "8:0 rbps=1 wbps=max riops=max wiops=max\n", true},
      {ReadBack::kDeviceKeys, "8:0 rbps=1", "8:0 rbps=10 wbps=max\n", false},
      {ReadBack::kDeviceKeys, "8:0 rbps=1", "18:0 rbps=1\n", false},
      {ReadBack::kDeviceKeys, "8:0 rbps=1", "", false},
      {ReadBack::kDeviceValue, "8:0 4096", "254:16 1\n8:0 4096\n", true},
      {ReadBack::kDeviceValue, "8:0 4096", "8:0 40960\n", false},
  };
  for (const Case& c : cases) {
    const LimitWrite write{LimitName::kCpuQuota, Controller::kCpu, "f", c.wanted, c.how, {}};
    EXPECT_EQ(matches(write, c.observed), c.same) << c.wanted << " | " << c.observed;
  }
}

TEST(PlanRemoval, WhatIsSetNoMore) {
  const Limits before = with([](Limits& l) {
    l.cpu_quota_percent = 50;
    l.memory_limit_bytes = 64 << 20;
    l.io_max = {{"8:0", 100, 200, {}, {}}, {"254:16", 300, {}, {}, {}}};
  });
  const Limits now = with([](Limits& l) {
    l.cpu_max = model::CpuMax{1000, 50000};
    l.io_max = {{"8:0", 101, {}, {}, {}}};
  });
  const auto removal = [&](CgroupVersion version) {
    return written(plan_removal(plan_limits(before, host(version)), plan_limits(now, host(version))));
  };
  EXPECT_EQ(removal(CgroupVersion::kV2),
            (std::vector<std::string>{"memory.max=67108864", "io.max=8:0 wbps=200", "io.max=254:16 rbps=300"}));
  EXPECT_EQ(removal(CgroupVersion::kV1),
            (std::vector<std::string>{"memory.limit_in_bytes=67108864", "blkio.throttle.write_bps_device=8:0 200",
                                      "blkio.throttle.read_bps_device=254:16 300"}));
  EXPECT_TRUE(plan_removal(plan_limits(before, host(CgroupVersion::kV2)), plan_limits(before, host(CgroupVersion::kV2)))
                  .writes.empty());
}

TEST(ControllersFor, OnlyWhatIsAsked) {
  EXPECT_TRUE(controllers_for({}).empty());
  EXPECT_TRUE(controllers_for(with([](Limits& l) { l.nice = 1; })).empty());
  EXPECT_EQ(controllers_for(with([](Limits& l) { l.pids_max = 1, l.cpu_weight = 1; })),
            (std::set{Controller::kCpu, Controller::kPids}));
}

}  // namespace
}  // namespace ffrtmp::govern
