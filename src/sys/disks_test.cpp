#include "sys/disks.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace ffrtmp::sys {
namespace {

TEST(ReadDisks, HardwareOnly) {
  const test::TempDir root;
  test::write_file(root / "sys/block/sdb/device/model", "x");
  test::write_file(root / "sys/block/sdb/dev", "8:16\n");
  test::write_file(root / "sys/block/sdb/queue/scheduler", "none mq-deadline [bfq]\n");
  test::write_file(root / "sys/block/sda/device/model", "x");
  test::write_file(root / "sys/block/sda/dev", "8:0\n");
  test::write_file(root / "sys/block/sda/queue/scheduler", "[none] bfq\n");
  test::write_file(root / "sys/block/loop0/dev", "7:0\n");
  test::write_file(root / "sys/block/nvme0n1/device/x", "gone before its number was read");
  const auto disks = read_disks({root / "proc", root / "sys"});
  ASSERT_TRUE(disks);
  ASSERT_EQ(disks->size(), 2u);
  EXPECT_EQ((*disks)[0].number, "8:0");
  EXPECT_FALSE((*disks)[0].has_bfq);
  EXPECT_EQ((*disks)[1].number, "8:16");
  EXPECT_TRUE((*disks)[1].has_bfq);
  EXPECT_EQ(read_disks({root / "proc", root / "nosys"}).error().code, Errc::kGone);
}

TEST(ParseScheduler, IsTheBracketedOne) {
  EXPECT_EQ(parse_scheduler("none [mq-deadline] bfq\n"), "mq-deadline");
  EXPECT_EQ(parse_scheduler("none\n"), "");
}

}  // namespace
}  // namespace ffrtmp::sys
