#include "worker/machine_watch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace ffrtmp::worker {
namespace {

using namespace std::chrono_literals;

Machine facts(const std::string& ffmpeg) {
  Machine out;
  out.facts.engines["ffmpeg"] = ffmpeg;
  return out;
}

TEST(MachineWatch, TellsAChangeOnceAndLooksWhenDue) {
  std::atomic<int> looks{0};
  std::atomic<bool> is_new{false};
  BootTime now{100s};
  MachineWatch watch(
      [&](media::Trust) -> Result<Machine> {
        ++looks;
        return facts(is_new ? "6" : "5");
      },
      60s, now);
  Machine known = facts("5");
  const auto until_looked = [&](int count) {
    for (int i = 0; i < 500 && looks < count; ++i) std::this_thread::sleep_for(10ms);
    std::this_thread::sleep_for(20ms);
  };
  now += 59s;
  EXPECT_FALSE(watch.poll(known, now));
  EXPECT_EQ(looks, 0);
  now += 1s;
  EXPECT_FALSE(watch.poll(known, now));  // begins
  until_looked(1);
  EXPECT_FALSE(watch.poll(known, now)) << "nothing has changed";
  is_new = true;
  now += 60s;
  EXPECT_FALSE(watch.poll(known, now));
  until_looked(2);
  const auto changed = watch.poll(known, now);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->facts.engines.at("ffmpeg"), "6");
  EXPECT_FALSE(watch.poll(*changed, now));
  EXPECT_EQ(looks, 2);
}

TEST(MachineWatch, AFailedLookIsNoChange) {
  BootTime now{100s};
  std::atomic<int> looks{0};
  MachineWatch watch(
      [&looks](media::Trust) -> Result<Machine> {
        ++looks;
        return make_error(Errc::kGone, "ffmpeg not found in PATH");
      },
      1s, now);
  for (int i = 0; i < 500 && looks < 3; ++i) {
    now += 1s;
    EXPECT_FALSE(watch.poll(facts("5"), now));
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(looks, 3) << "it is looked again";
}

TEST(MachineWatch, DoubtIsALookAtOnceAndAnew) {
  std::promise<media::Trust> first;
  MachineWatch watch(
      [&first](media::Trust trust) -> Result<Machine> {
        first.set_value(trust);
        return facts("5");
      },
      60s, BootTime{100s});
  watch.doubt_hardware();
  EXPECT_FALSE(watch.poll(facts("5"), BootTime{100s}));
  EXPECT_EQ(first.get_future().get(), media::Trust::kSoftwareOnly);
}

}  // namespace
}  // namespace ffrtmp::worker
