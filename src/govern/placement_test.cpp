#include "govern/placement.h"

#include <gtest/gtest.h>

namespace ffrtmp::govern {
namespace {

using sys::CgroupVersion;

// A process in /user.slice/job on a v2 host, with strangers in its group; the root base is the hierarchy's root.
HierarchyFacts v2_facts() {
  HierarchyFacts facts;
  facts.hierarchy = "unified";
  facts.own = "/user.slice/job";
  facts.own_is_writable = true;
  facts.root_base = "/";
  facts.base_cpus = "0-3";
  return facts;
}

HierarchyFacts v1_facts() {
  HierarchyFacts facts = v2_facts();
  facts.hierarchy = "memory";
  facts.version = CgroupVersion::kV1;
  return facts;
}

TEST(DecidePlace, Nested) {
  struct Row {
    const char* what;
    CgroupVersion version;
    bool is_root;
    bool is_writable;
    bool holds_only_moved;
    const char* base;
    bool moves_first;
  };
  const Row rows[] = {
      {"v1, own group", CgroupVersion::kV1, false, true, false, "/user.slice/job", false},
      {"v1, foreign group", CgroupVersion::kV1, false, false, true, "/", false},
      {"v2, strangers", CgroupVersion::kV2, false, true, false, "/", false},
      {"v2, alone", CgroupVersion::kV2, false, true, true, "/user.slice/job", true},
      {"v2, alone in a foreign group", CgroupVersion::kV2, false, false, true, "/", false},
      {"v2, in the true root", CgroupVersion::kV2, true, true, false, "/user.slice/job", false},
  };
  for (const Row& row : rows) {
    HierarchyFacts facts = v2_facts();
    facts.version = row.version;
    facts.own_is_root = row.is_root;
    facts.own_is_writable = row.is_writable;
    facts.holds_only_moved = row.holds_only_moved;
    const Place place = decide_place(facts, Placement::kNested);
    EXPECT_EQ(place.base, row.base) << row.what;
    EXPECT_EQ(place.moves_before_enabling, row.moves_first) << row.what;
    EXPECT_EQ(decide_place(facts, Placement::kRoot).base, "/") << row.what;
  }
}

TEST(DecidePlace, WithoutControllersStrangersAreNoHindrance) {
  HierarchyFacts facts = v2_facts();
  facts.own_is_writable = true;
  facts.needs_controllers = false;
  const Place place = decide_place(facts, Placement::kNested);
  EXPECT_EQ(place.base, "/user.slice/job");
  EXPECT_FALSE(place.moves_before_enabling);
  facts.own_is_writable = false;
  EXPECT_EQ(decide_place(facts, Placement::kNested).base, "/");
}

// contract: G16
TEST(DecidePlace, NeverOutFromUnderALimit) {
  struct Row {
    const char* file;
    const char* text;
    bool escapes;
  };
  const Row v2_rows[] = {
      {"cpu.max", "50000 100000\n", true},
      {"cpu.max", "max 100000\n", false},
      {"memory.max", "67108864\n", true},
      {"memory.max", "max\n", false},
      {"memory.high", "1048576\n", true},
      {"memory.high", "max\n", false},
      {"memory.swap.max", "0\n", true},
      {"memory.swap.max", "max\n", false},
      {"io.max", "8:0 rbps=max wbps=1048576 riops=max wiops=max\n", true},
      {"io.max", "8:0 rbps=max wbps=max riops=max wiops=max\n", false},
      {"io.max", "", false},
      {"cpuset.cpus.effective", "0-1\n", true},
      {"cpuset.cpus.effective", "0-3\n", false},
      {"pids.max", "100\n", false},
      {"cpu.weight", "50\n", false},
  };
  const Row v1_rows[] = {
      {"cpu.cfs_quota_us", "50000\n", true},
      {"cpu.cfs_quota_us", "-1\n", false},
      {"memory.limit_in_bytes", "67108864\n", true},
      {"memory.limit_in_bytes", "9223372036854771712\n", false},
      {"memory.memsw.limit_in_bytes", "67108864\n", true},
      {"memory.soft_limit_in_bytes", "67108864\n", true},
      {"blkio.throttle.read_bps_device", "254:0 1048576\n", true},
      {"blkio.throttle.read_bps_device", "", false},
      {"cpuset.effective_cpus", "2\n", true},
  };
  const auto check = [](HierarchyFacts facts, const Row& row) {
    facts.controls = {{facts.own, "cpu.max", "max 100000\n"}, {"/user.slice", row.file, row.text}};
    const Place place = decide_place(facts, Placement::kRoot);
    EXPECT_EQ(place.base, row.escapes ? "" : "/") << row.file << " " << row.text;
    EXPECT_EQ(place.reason, row.escapes ? "would_escape_limits" : "") << row.file;
    if (!row.escapes) return;
    EXPECT_TRUE(place.evidence.starts_with("/user.slice " + std::string(row.file))) << place.evidence;
  };
  for (const Row& row : v2_rows) check(v2_facts(), row);
  for (const Row& row : v1_rows) check(v1_facts(), row);
}

TEST(DecidePlace, CopiesTheTightestPidsMax) {
  HierarchyFacts facts = v2_facts();
  facts.controls = {{"/user.slice/job", "pids.max", "max\n"},
                    {"/user.slice/job", "pids.max", "100\n"},
                    {"/user.slice", "pids.max", "30\n"}};
  EXPECT_EQ(decide_place(facts, Placement::kNested).pids_max, 30);
  facts.controls.clear();
  EXPECT_EQ(decide_place(facts, Placement::kNested).pids_max, std::nullopt);
}

TEST(DecidePlace, SaysWhyThereIsNone) {
  HierarchyFacts facts = v2_facts();
  facts.may_leave = false;
  EXPECT_EQ(decide_place(facts, Placement::kNested).reason, "denied");
  facts.root_base.reset();
  EXPECT_EQ(decide_place(facts, Placement::kNested).reason, "no_writable_base");
  EXPECT_EQ(decide_place(facts, Placement::kNested).base, "");
}

TEST(CommonAncestor, Table) {
  EXPECT_EQ(common_ancestor("/a/b/c", "/a/d"), "/a");
  EXPECT_EQ(common_ancestor("/a/b", "/a/b/c"), "/a/b");
  EXPECT_EQ(common_ancestor("/ab", "/a"), "/");
  EXPECT_EQ(common_ancestor("/", "/a"), "/");
  EXPECT_EQ(common_ancestor("/a", "/"), "/");
}

TEST(IsNarrower, Table) {
  EXPECT_TRUE(is_narrower("0-1", "0-3"));
  EXPECT_TRUE(is_narrower("3", "0,2-3"));
  EXPECT_FALSE(is_narrower("0-3", "0-3"));
  EXPECT_FALSE(is_narrower("0-4", "0-3"));
  EXPECT_FALSE(is_narrower("7", "0-3"));
  EXPECT_FALSE(is_narrower("", "0-3"));
  EXPECT_FALSE(is_narrower("0", ""));
}

}  // namespace
}  // namespace ffrtmp::govern
