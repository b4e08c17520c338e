// What half an hour of comings and goings leaves in the daemon: nothing.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/text.h"
#include "sys/file_io.h"
#include "tests/support/sanitized.h"
#include "tests/watch/watch_box.h"

namespace ffrtmp::test {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto kBetweenStarts = 1000ms / 60;

std::int64_t resident_kib(pid_t pid) {
  std::ifstream status(cat("/proc/", pid, "/status"));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::strtoll(line.c_str() + 6, nullptr, 10);
  return -1;
}

std::ptrdiff_t descriptors(pid_t pid) {
  const std::filesystem::directory_iterator all(cat("/proc/", pid, "/fd"));
  return std::distance(begin(all), end(all));
}

// Starts and ends targets, a few alive at a time, for so long; every fourth is no target at all.
void churn(WatchBox& box, std::chrono::seconds duration) {
  std::vector<pid_t> alive;
  const auto until = Steady::now() + duration;
  for (std::size_t i = 0; Steady::now() < until; ++i) {
    alive.push_back(i % 4 == 3 ? box.start({"/bin/sleep", "600"}) : box.start_target());
    if (alive.size() > 20) {
      box.end(alive.front());
      alive.erase(alive.begin());
    }
    std::this_thread::sleep_for(kBetweenStarts);
  }
  for (const pid_t pid : alive) box.end(pid);
}

// contract: G42
TEST(Soak, DescriptorsAndMemoryStayFlat) {
  NEED_ROOT();
  const bool whole = std::getenv("FFRTMP_TEST_ALL") != nullptr;
  WatchBox box;
  box.write_policy("default_limits: {cpu_quota: 100}\nscan_interval: 1s\nreconcile_interval: 2s\n");
  box.start_daemon({"--log-level", "error"});
  ASSERT_TRUE(box.wait_ready());
  churn(box, whole ? 60s : 5s);  // buffers grow to their size
  EXPECT_TRUE(eventually([&] { return box.groups().empty(); }));
  const auto open_before = descriptors(box.daemon().pid());
  const auto kib_before = resident_kib(box.daemon().pid());
  churn(box, whole ? 1740s : 15s);
  EXPECT_TRUE(eventually([&] { return box.groups().empty(); }, 30s)) << "groups of ended targets are gone";
  EXPECT_TRUE(eventually([&] { return descriptors(box.daemon().pid()) <= open_before; }))
      << open_before << " -> " << descriptors(box.daemon().pid());
  if (!kIsSanitized) {
    EXPECT_LE(resident_kib(box.daemon().pid()), kib_before + 512) << "KiB before: " << kib_before;
  }
  const pid_t last = box.start_target();
  EXPECT_TRUE(eventually([&] { return box.is_governed(last); })) << "and it still works";
  EXPECT_EQ(box.stop_daemon(), 0);
  EXPECT_EQ(box.log().find("ERROR: "), std::string::npos) << box.log();
}

}  // namespace
}  // namespace ffrtmp::test
