#include "sys/power_supply.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace ffrtmp::sys {
namespace {

TEST(PowerSupply, OnlyABatteryOfTheMachineCounts) {
  const test::TempDir dir;
  const Host host{dir / "proc", dir / "sys"};
  EXPECT_FALSE(has_battery(host)) << "no such class";
  test::write_file(dir / "sys/class/power_supply/AC/type", "Mains\n");
  test::write_file(dir / "sys/class/power_supply/hidpp_battery_0/type", "Battery\n");
  test::write_file(dir / "sys/class/power_supply/hidpp_battery_0/scope", "Device\n");
  EXPECT_FALSE(has_battery(host)) << "a mouse has one";
  test::write_file(dir / "sys/class/power_supply/BAT0/type", "Battery\n");
  EXPECT_TRUE(has_battery(host));
}

}  // namespace
}  // namespace ffrtmp::sys
