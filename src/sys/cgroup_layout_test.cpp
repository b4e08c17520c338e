#include "sys/cgroup_layout.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::sys {
namespace {

// A hybrid host: Debian 12, Linux 6.18, 2026-11.
constexpr std::string_view kHybrid =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct,favordynmods\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "38 31 0:35 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 master:2 - cgroup2 cgroup2 rw\n"
    "42 23 0:38 / /mnt/again rw,relatime - cgroup2 cgroup2 rw\n";

TEST(ParseHierarchies, OfAHybridHost) {
  const CgroupLayout layout{parse_hierarchies(kHybrid)};
  ASSERT_EQ(layout.hierarchies.size(), 5u);
  const Hierarchy* cpu = layout.of_controller("cpu");
  ASSERT_NE(cpu, nullptr);
  EXPECT_EQ(cpu->name, "cpu,cpuacct");
  EXPECT_EQ(cpu->version, CgroupVersion::kV1);
  EXPECT_TRUE(cpu->favors_moves);
  EXPECT_EQ(layout.of_controller("cpuacct"), cpu);
  EXPECT_EQ(layout.of_controller("io")->mount_point, "/sys/fs/cgroup/blkio");
  EXPECT_FALSE(layout.of_controller("memory")->favors_moves);
  EXPECT_EQ(layout.of_controller("pids"), nullptr);
  EXPECT_NE(layout.find("name=systemd"), nullptr);
  EXPECT_EQ(layout.unified()->mount_point, "/sys/fs/cgroup/unified");
}

TEST(ParseHierarchies, UnescapesAndKeepsTheRoot) {
  const auto found =
      parse_hierarchies("41 31 0:38 /docker/ab\\040c /mnt/c\\0402 rw - cgroup2 cgroup rw,nsdelegate,favordynmods\n");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].mount_point, "/mnt/c 2");
  EXPECT_EQ(found[0].root, "/docker/ab c");
  EXPECT_TRUE(found[0].favors_moves);
  EXPECT_EQ(found[0].directory_of("/docker/ab c"), "/mnt/c 2");
  EXPECT_EQ(found[0].directory_of("/docker/ab c/unit/"), "/mnt/c 2/unit");
  EXPECT_EQ(found[0].directory_of("/docker/ab cd"), "/mnt/c 2/docker/ab cd");
  EXPECT_TRUE(parse_hierarchies("1 1 0:1 / / rw - ext4 /dev/sda rw\n").empty());
}

TEST(ReadCgroupLayout, AsksTheUnifiedRootForItsControllers) {
  const test::TempDir root;
  const Host host{root / "proc", root / "sys"};
  EXPECT_EQ(read_cgroup_layout(host).error().code, Errc::kGone);
  test::write_file(root / "proc/self/mountinfo", "1 1 0:1 / / rw - ext4 /dev/sda rw\n");
  EXPECT_EQ(read_cgroup_layout(host).error().code, Errc::kUnsupported);
  test::write_file(root / "proc/self/mountinfo", cat("41 31 0:38 / ", root / "cg", " rw - cgroup2 cgroup2 rw\n"));
  test::write_file(root / "cg/cgroup.controllers", "cpuset cpu io memory pids\n");
  const auto layout = read_cgroup_layout(host);
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->of_controller("io"), layout->unified());
  EXPECT_EQ(layout->of_controller("hugetlb"), nullptr);
}

TEST(ParseMembership, EveryHierarchy) {
  const Membership membership = parse_membership(
      "9:name=systemd:/user.slice\n4:memory:/a:b/c (deleted)\n1:cpu,cpuacct:/\n0::/user.slice/x\nnonsense\n");
  const Membership expected = {
      {"name=systemd", "/user.slice"}, {"memory", "/a:b/c"}, {"cpu,cpuacct", "/"}, {"unified", "/user.slice/x"}};
  EXPECT_EQ(membership, expected);
}

}  // namespace
}  // namespace ffrtmp::sys
