// The storm: SIGKILLs of master, worker, supervisor and engine at boundaries of system calls of claim, start, publish
// and result, over a stream of jobs. What is right is judged by the client's own 201s, by inotify on the outputs, and
// by a census of processes; never by ffrtmp's tables.
//
//   FFRTMP_TEST_ALL        set: 200 kills, else 12
//   FFRTMP_STORM_KILLS=N   N kills
//   FFRTMP_STORM_SEED=N    the seed of a former storm: the same kills in the same order (the moments differ); else a
//                          short storm has a fixed one and a whole one draws its own
//
// A kill counts when the victim was seen to die at the chosen call; a point that was not reached in time is reported as
// not hit and another one is drawn.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <random>

#include "base/text.h"
#include "tests/e2e/storm/census.h"
#include "tests/e2e/storm/farm.h"
#include "tests/e2e/storm/job_stream.h"

namespace ffrtmp::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

int number_of(const char* variable, int otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : static_cast<int>(parse_int(text).value_or(otherwise));
}

int kills_wanted() { return number_of("FFRTMP_STORM_KILLS", std::getenv("FFRTMP_TEST_ALL") != nullptr ? 200 : 12); }

std::uint64_t choose_seed() {
  if (const int given = number_of("FFRTMP_STORM_SEED", 0); given != 0) return static_cast<std::uint64_t>(given);
  return std::getenv("FFRTMP_TEST_ALL") == nullptr ? 1 : std::random_device{}() % 1'000'000 + 1;
}

// On the disk of the build, which is a real one; kept when the test fails.
class StormDir {
 public:
  StormDir() : path_(cat(FFRTMP_BINARY_DIR, "/storm-", getpid())) {
    fs::remove_all(path_);
    for (const char* name : {"in", "out", "scratch"}) fs::create_directories(path_ + "/" + name);
  }
  ~StormDir() {
    if (::testing::Test::HasFailure())
      std::cout << "kept for a look: " << path_ << "\n";
    else
      fs::remove_all(path_);
  }
  StormDir(const StormDir&) = delete;
  StormDir& operator=(const StormDir&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// One second of picture and sound: 30 packets of picture.
void make_clip(const std::string& path, const std::string& size) {
  const Ran made = run_command({"ffmpeg",  "-v",        "error", "-nostdin",
                                "-f",      "lavfi",     "-i",    cat("testsrc2=size=", size, ":rate=30"),
                                "-f",      "lavfi",     "-i",    "sine=frequency=1000:sample_rate=48000",
                                "-t",      "1",         "-c:v",  "libx264",
                                "-preset", "ultrafast", "-c:a",  "aac",
                                "-y",      path});
  EXPECT_EQ(made.exit_code, 0) << made.err;
}

// Mostly the real ffmpeg; else one that takes its time, leaves children behind, ignores SIGTERM, or spoils its output.
std::string choose_engine(std::mt19937_64& random) {
  static const char* const kBehaviours[] = {"",
                                            "",
                                            "",
                                            "frames=30;slow=1;real",
                                            "frames=30;slow=2;real;children=2",
                                            "frames=30;slow=1;real;ignore_term",
                                            "damage=cut:2000"};
  return kBehaviours[random() % std::size(kBehaviours)];
}

// Most victims come back at once; some only when their lease is over.
std::chrono::milliseconds choose_pause(std::mt19937_64& random) {
  return random() % 8 == 0 ? std::chrono::seconds(kLeaseSeconds + 2) : std::chrono::milliseconds(random() % 300);
}

std::string seconds_since(Clock::time_point begun) {
  return format_fixed(std::chrono::duration<double>(Clock::now() - begun).count(), 1);
}

void expect_none(const std::string& what, const std::vector<std::string>& found) {
  for (const std::string& one : found) ADD_FAILURE() << what << ": " << one;
}

std::vector<std::string> leftover_attempts(const Farm& farm) {
  std::vector<std::string> found;
  for (int i = 0; i < kWorkers; ++i)
    for (const auto& entry : fs::directory_iterator(farm.attempts_dir(i))) found.push_back(entry.path().string());
  return found;
}

TEST(Storm, EveryPromiseIsKeptWhoeverDies) {
  const int wanted = kills_wanted();
  const std::uint64_t seed = choose_seed();
  std::cout << "storm: FFRTMP_STORM_SEED=" << seed << " FFRTMP_STORM_KILLS=" << wanted << std::endl;
  const auto begun = Clock::now();
  std::mt19937_64 random(seed);
  StormDir dir;
  Findings findings;
  make_clip(dir / "in/wide.mp4", "320x180");
  make_clip(dir / "in/small.mp4", "192x108");
  make_clip(dir / "in/old.mp4", "128x72");
  const std::map<std::string, std::string> inputs{{dir / "in/wide.mp4", read_file(dir / "in/wide.mp4")},
                                                  {dir / "in/small.mp4", read_file(dir / "in/small.mp4")}};
  Farm farm(dir.path());
  farm.start_master();
  if (HasFatalFailure()) return;
  if (!farm.can_trace()) GTEST_SKIP() << "processes may not be traced here (root, or kernel.yama.ptrace_scope=0)";
  for (int i = 0; i < kWorkers; ++i) {
    farm.start_worker(i);
    farm.wait_for_worker(i);
  }

  OutputWatch watch(dir / "out", dir / "scratch", findings);
  DoubleWatch doubles(farm.group(), findings);
  JobStream stream({dir / "out",
                    {{dir / "in/wide.mp4", {320, 30, 40}}, {dir / "in/small.mp4", {192, 30, 40}}},
                    read_file(dir / "in/old.mp4"),
                    dir / "scratch"},
                   farm.url(), farm.key(), seed, watch, findings);

  std::map<std::string, int> hits;
  int killed = 0;
  int missed = 0;
  for (int round = 1; killed < wanted && round <= 3 * wanted && !HasFatalFailure(); ++round) {
    findings.set_round(round);
    farm.set_engines(choose_engine(random));
    const Kill kill = choose_kill(random);
    const int worker = static_cast<int>(random() % kWorkers);
    const auto pause = choose_pause(random);
    std::string said;
    const bool hit = farm.carry_out(kill, worker, said);
    hit ? ++killed : ++missed;
    if (hit) ++hits[cat(name_of(kill.point.victim), " ", kill.point.phase)];
    std::cout << seconds_since(begun) << " s: round " << round << " seed " << seed << " " << kill.describe() << ": "
              << said << std::endl;
    if (hit && random() % 6 == 0)
      std::cout << "  and with it" << farm.kill_another(static_cast<int>(random() % 3)) << std::endl;
    farm.revive(pause);
    watch.judge_new();
  }
  EXPECT_EQ(killed, wanted) << missed << " points were not reached";

  // The engine of the last round may be one that spoils all it makes: what comes after the storm is made by a good one.
  farm.set_engines("");
  std::this_thread::sleep_for(3s);
  stream.stop_submitting();
  EXPECT_TRUE(stream.wait_all_ended(120s)) << stream.open_jobs();
  EXPECT_TRUE(eventually([&] { return leftover_attempts(farm).empty(); }, 30s))
      << "attempts are left in the workers' directories";
  expect_none("attempt left", leftover_attempts(farm));
  stream.judge_end();
  farm.stop();
  (void)eventually([&] { return living(dir.path(), farm.group()).empty(); }, 5s);
  expect_none("process left", living(dir.path(), farm.group()));
  expect_none("cgroup left", attempt_groups(farm.group()));
  watch.judge_end();
  for (const auto& [path, content] : inputs) EXPECT_EQ(read_file(path), content) << path << " was changed";
  expect_none("finding", findings.all());
  // Two of three do with the real engine; a storm over jobs that all fail would prove little.
  EXPECT_GE(stream.completed_part(), 0.3) << stream.summary();
  if (farm.group().empty()) std::cout << "storm: no group here, whether two attempts ran at once was not judged\n";
  else EXPECT_GT(doubles.attempts_seen(), 0) << "nobody was watched for running twice";

  std::cout << "storm: " << killed << " kills, " << missed << " points not reached, " << seconds_since(begun) << " s; "
            << stream.summary() << "; " << watch.appearances() << " appearances of " << watch.contents()
            << " contents; " << doubles.attempts_seen() << " attempts in " << doubles.samples() << " samples\n";
  for (const auto& [where, count] : hits) std::cout << "  " << count << " " << where << "\n";
}

}  // namespace
}  // namespace ffrtmp::test
