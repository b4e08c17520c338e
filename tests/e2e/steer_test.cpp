// Cancel, pause, resume of a running ffmpeg.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "api/codec.h"
#include "base/text.h"
#include "sys/cgroup_layout.h"
#include "sys/proc_fs.h"
#include "tests/e2e/box.h"
#include "tests/support/fake_ffmpeg.h"
#include "tests/support/sanitized.h"

namespace ffrtmp::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

bool is_running(const api::Job& job) { return job.status == model::JobState::kRunning && job.progress && job.progress->frame.value_or(0) > 0; }

// contract: F13
TEST(Steer, CancelReachesAFullWorker) {
  Box box;
  box.start_master();
  const std::string program = install_fake_ffmpeg(box.path("bin"), "frames=3000;slow=100");
  box.start_worker("w1", {"--ffmpeg", program});
  write_file(box.path("o.mp4"), "the user's own");
  const auto number = box.submit(box.clip(1), box.path("o.mp4"), R"(,"overwrite":true)");
  box.wait_for(number, is_running);
  const auto reply = box.http("POST", cat("/api/v1/jobs/", number, "/cancel"), R"({"grace_seconds":1})");
  EXPECT_EQ(reply.status, 202) << reply.body;
  EXPECT_TRUE(eventually([&] { return box.engine_processes().empty(); }, 3s)) << "2 s and the grace";
  const auto job = box.wait_end(number, 5s);
  EXPECT_EQ(job.status, model::JobState::kCanceled);
  EXPECT_EQ(read_file(box.path("o.mp4")), "the user's own");
  for (const auto& entry : fs::directory_iterator(box.path("")))
    EXPECT_EQ(entry.path().string().find(".part."), std::string::npos) << entry.path() << " of the attempt remains";
  EXPECT_EQ(box.http("POST", cat("/api/v1/jobs/", number, "/cancel")).status, 200);
}

// contract: F14
TEST(Steer, ATreeThatIgnoresTermDiesAfterTheGrace) {
  Box box;
  box.start_master();
  const std::string program = install_fake_ffmpeg(box.path("bin"), "hang;ignore_term;children=3");
  box.start_worker("w1", {"--ffmpeg", program});
  const auto number = box.submit(box.clip(1), box.path("o.mp4"));
  box.wait_for(number, [](const api::Job& job) { return job.status == model::JobState::kRunning; });
  ASSERT_TRUE(eventually([&] { return box.engine_processes().size() >= 4; }, 5s));
  EXPECT_EQ(box.http("POST", cat("/api/v1/jobs/", number, "/cancel"), R"({"grace_seconds":4})").status, 202);
  std::this_thread::sleep_for(2500ms);
  EXPECT_GE(box.engine_processes().size(), 4U) << "the grace is given";
  EXPECT_TRUE(eventually([&] { return box.engine_processes().empty(); }, 5500ms));
  const auto job = box.wait_end(number, 5s);
  EXPECT_EQ(job.status, model::JobState::kCanceled);
  ASSERT_TRUE(job.result);
  EXPECT_EQ(job.result->graceful, false);
}

// contract: F15
TEST(Steer, APausedJobMakesNoFrameAndThenCompletes) {
  Box box;
  box.start_master();
  box.start_worker();
  // Real ffmpeg at its slowest, so that there is a middle to pause in.
  const auto number =
      box.submit(box.clip(6), box.path("o.mp4"), R"(,"preset":"slow","resolution":"1280x720","threads":1)");
  box.wait_for(number, is_running);
  EXPECT_EQ(box.http("POST", cat("/api/v1/jobs/", number, "/pause")).status, 202);
  box.wait_for(number, [](const api::Job& job) { return job.status == model::JobState::kPaused; }, 3s);
  std::this_thread::sleep_for(500ms);  // what was in the pipe arrives
  const auto before = box.job(number);
  const auto staged_size = [&] {
    std::uintmax_t size = 0;
    for (const auto& entry : fs::directory_iterator(box.path("")))
      if (entry.path().string().find(".part.") != std::string::npos) size += entry.file_size();
    return size;
  };
  const auto size = staged_size();
  std::this_thread::sleep_for(std::getenv("FFRTMP_TEST_ALL") != nullptr ? 30s : 5s);
  EXPECT_EQ(box.job(number).progress->frame, before.progress->frame);
  EXPECT_EQ(staged_size(), size);
  EXPECT_EQ(box.http("POST", cat("/api/v1/jobs/", number, "/resume")).status, 202);
  const auto job = box.wait_end(number, 300s);
  EXPECT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  EXPECT_EQ(job.attempts->size(), 1U);
}

// contract: F7
TEST(Steer, CancelsAndRetriesUnderLoadAnswerSoon) {
  Box box;
  box.start_master();
  std::vector<std::int64_t> numbers;
  for (int i = 0; i < 300; ++i) numbers.push_back(box.submit("/m/a.mp4", cat("/m/o", i, ".mp4")));
  auto slowest = 0ms;
  const auto timed = [&](const std::string& target) {
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(box.http("POST", target).status, 200) << target;
    slowest = std::max(slowest, std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun));
  };
  std::atomic<bool> done{false};
  std::thread load([&] {
    while (!done) (void)box.cli({"jobs", "list"});
  });
  for (int round = 0; round < 2; ++round)
    for (const auto number : numbers) {
      timed(cat("/api/v1/jobs/", number, "/cancel"));
      timed(cat("/api/v1/jobs/", number, "/retry"));
    }
  done = true;
  load.join();
  EXPECT_LT(slowest, kIsSanitized ? 10s : 1s);
}

// The directory of the unified group of an engine of the box; empty: it is in none of its own.
std::string group_of_engine(const Box& box) {
  const sys::Host host = sys::Host::real();
  const auto layout = sys::read_cgroup_layout(host);
  if (!layout || layout->unified() == nullptr) return {};
  for (const pid_t pid : box.engine_processes())
    if (const auto group = sys::read_unified_cgroup(host, pid); group && group->find("/ffrtmp/") != std::string::npos)
      return layout->unified()->directory_of(*group);
  return {};
}

// contract: F15
TEST(Steer, APauseCountsWhenTheEngineStandsStill) {
  // Mounts are this process's and its children's own from here on.
  if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    GTEST_SKIP() << "mounting needs root";
  Box box;
  box.start_master();
  box.start_worker("w1", {"--ffmpeg", install_fake_ffmpeg(box.path("bin"), "frames=30;slow=1;real;vfork=5")});
  const auto number = box.submit(box.clip(1), box.path("o.mp4"));
  box.wait_for(number, is_running);
  // Neither the freezer nor SIGSTOP does it.
  if (const std::string group = group_of_engine(box); !group.empty()) {
    ASSERT_EQ(mount("/dev/full", (group + "/cgroup.freeze").c_str(), nullptr, MS_BIND, nullptr), 0);
  }
  EXPECT_EQ(box.http("POST", cat("/api/v1/jobs/", number, "/pause")).status, 202);
  std::this_thread::sleep_for(2500ms);
  EXPECT_EQ(box.job(number).status, model::JobState::kRunning)
      << "it is not paused, and a pause reaches a worker within 2 s";
  EXPECT_EQ(box.http("POST", cat("/api/v1/jobs/", number, "/resume")).status, 202);
  const auto job = box.wait_end(number);
  EXPECT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  for (const auto& transition : job.state_transitions.value_or(std::vector<model::Transition>{}))
    EXPECT_NE(transition.to, model::JobState::kPaused);
}

}  // namespace
}  // namespace ffrtmp::test
