// What a wrong clock does to ages: nothing. It sets the machine's clock, so it runs in a virtual machine only.
#include "base/clock.h"

#include <gtest/gtest.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "sys/proc_fs.h"
#include "tests/watch/watch_box.h"

namespace ffrtmp::test {
namespace {

using namespace std::chrono_literals;

void shift_clock(std::chrono::seconds by) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  now.tv_sec += by.count();
  ASSERT_EQ(clock_settime(CLOCK_REALTIME, &now), 0);
}

std::chrono::nanoseconds age_of(pid_t pid) {
  const auto ticks = std::chrono::nanoseconds(1s) / sysconf(_SC_CLK_TCK);
  return BootClock::now().time_since_epoch() - ticks * sys::read_stat(sys::Host::real(), pid)->start_ticks;
}

// contract: G25
TEST(Clock, MinRuntimeDoesNotFollowIt) {
  NEED_ROOT();
  if (std::getenv("FFRTMP_TEST_CLOCK") == nullptr) GTEST_SKIP() << "sets the clock: tools/test-in-vm watch_clock_test";
  for (const std::chrono::seconds shift : {std::chrono::seconds(1h), std::chrono::seconds(-1h)}) {
    WatchBox box;
    box.write_policy("default_limits: {cpu_quota: 50}\nscan_interval: 1h\nfilters: {min_runtime: 5s}\n");
    box.start_daemon();
    ASSERT_TRUE(box.wait_ready());
    const pid_t pid = box.start_target();
    std::this_thread::sleep_for(1s);
    shift_clock(shift);
    EXPECT_TRUE(eventually([&] { return box.count_log("Attaching to PID") > 0 || box.is_governed(pid); }, 30s));
    const auto age = age_of(pid);
    EXPECT_GE(age, 5s);
    EXPECT_LE(age, 5200ms);
    EXPECT_TRUE(box.wait_governed(pid)) << "the move itself takes its time in an emulated machine";
    shift_clock(-shift);
  }
}

}  // namespace
}  // namespace ffrtmp::test
