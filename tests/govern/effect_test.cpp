// What limits do to a workload, told by the workload itself and by the kernel's own counters.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "sys/cgroup.h"
#include "sys/cgroup_dir.h"
#include "sys/cgroup_layout.h"
#include "sys/file_io.h"
#include "tests/govern/command.h"
#include "tests/support/fake_load.h"

namespace ffrtmp::test {
namespace {

const sys::Host kHost = sys::Host::real();

bool is_long() { return std::getenv("FFRTMP_TEST_ALL") != nullptr; }

class Effect : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root makes groups and out-ranks the host's other work";
    layout_ = sys::read_cgroup_layout(kHost).value();
  }
  [[nodiscard]] bool is_v2(std::string_view controller) const {
    return layout_.of_controller(controller)->version == sys::CgroupVersion::kV2;
  }
  [[nodiscard]] std::vector<std::string> line(std::vector<std::string> flags, std::vector<std::string> load) const {
    flags.insert(flags.begin(), "run");
    flags.emplace_back("--");
    if (!load.empty() && load.front() == "load") load.front() = fake_load();
    flags.insert(flags.end(), load.begin(), load.end());
    return flags;
  }
  [[nodiscard]] Ran run(std::vector<std::string> flags, std::vector<std::string> load) const {
    return run_ffrtmp(line(std::move(flags), std::move(load)), dir_ / "rt");
  }
  // v1: all jobs below one base share its group "ffrtmp"; on a busy host that one has to come before everybody else, as
  // it is the limit that is measured and not the competition.
  void go_first() const {
    const sys::Hierarchy* cpu = layout_.of_controller("cpu");
    if (cpu->version != sys::CgroupVersion::kV1) return;
    const std::string own = sys::read_membership(kHost, getpid())->at(cpu->name);
    const auto parent = sys::CgroupDir::create(cpu->directory_of(own) + "/ffrtmp");
    ASSERT_TRUE(parent && parent->write("cpu.shares", "262144"));
  }
  // A host that is too busy to be measured on gets further chances; a limit that does not hold fails them all.
  template <class Measure>
  static void expect_within(double low, double high, Measure measure) {
    double value = 0;
    for (int attempt = 0; attempt < 3; ++attempt) {
      value = measure();
      if (value >= low && value <= high) return;
    }
    ADD_FAILURE() << value << " is not within " << low << " and " << high;
  }
  // The number behind `key` in what the workload printed.
  static double printed(const Ran& ran, std::string_view key) {
    const auto words = split(trim(ran.out), ' ');
    for (std::size_t i = 0; i + 1 < words.size(); ++i)
      if (words[i] == key) return parse_number(words[i + 1]).value_or(-1);
    ADD_FAILURE() << "no " << key << " in " << ran.out << ran.err;
    return -1;
  }
  // A disk to transfer to and from, past the page cache: an empty one where there is one, else a file.
  [[nodiscard]] std::string scratch() const {
    const char* disk = std::getenv("FFRTMP_SCRATCH_DISK");
    if (disk != nullptr) return disk;
    const std::string path = dir_ / "data";
    std::ofstream file(path, std::ios::binary);
    const std::string block(1 << 20, 'x');
    for (int i = 0; i < 16; ++i) file << block;
    file.close();
    sync();
    return path;
  }

  TempDir dir_;
  sys::CgroupLayout layout_;
};

// contract: G11
TEST_F(Effect, AQuotaOfFiftyIsHalfACpu) {
  const char* seconds = is_long() ? "10" : "4";
  go_first();
  expect_within(0.45, 0.55, [&] {
    const Ran ran = run({"--cpu-quota", "50"}, {"load", "burn", seconds});
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    return printed(ran, "cpu") / printed(ran, "wall");
  });
}

// contract: G12
TEST_F(Effect, MemoryAboveTheLimitIsKilledInTheGroup) {
  const Ran ran =
      run({"--memory-limit", "64", "--memory-swap-limit", "0", "--json", "--strict"}, {"load", "grow", "256"});
  EXPECT_EQ(ran.exit_code, 137) << ran.err;
  EXPECT_EQ(ran.err.find("grown"), std::string::npos);
  const govern::JobResult result = document_of(ran);
  EXPECT_EQ(result.platform_sla_reason, govern::SlaReason::kOomKilledByLimit);
  EXPECT_EQ(result.signal.text, "9");
  const Ran below = run({"--memory-limit", "64", "--memory-swap-limit", "0"}, {"load", "grow", "32"});
  EXPECT_EQ(below.out, "grown 32\n") << below.err;
}

// contract: G49
TEST_F(Effect, WeightsDivideACpu) {
  // Both on CPU 0, nobody else in their parent group.
  go_first();
  const char* seconds = is_long() ? "10" : "5";
  const auto burn = [&](const char* weight) {
    return line({"--cpu-weight", weight}, {"taskset", "-c", "0", fake_load(), "burn", seconds, dir_ / "go"});
  };
  expect_within(2.7, 3.3, [&] {
    Started light(burn("100"), dir_ / "rt");
    Started heavy(burn("300"), dir_ / "rt");
    for (Started* each : {&light, &heavy}) each->wait_for_child("fake_load");
    write_file(dir_ / "go", "");
    const double ratio = printed(heavy.finish(), "cpu") / printed(light.finish(), "cpu");
    std::filesystem::remove(dir_ / "go");
    return ratio;
  });
}

// contract: G49
TEST_F(Effect, OneProcessTooManyIsRefused) {
  EXPECT_EQ(run({"--pids-max", "5"}, {"load", "forks", "20"}).out, "children 4 EAGAIN\n");
  EXPECT_EQ(run({"--pids-max", "21"}, {"load", "forks", "20"}).out, "children 20\n");
}

// contract: G49
TEST_F(Effect, BytesASecond) {
  const std::string path = scratch();
  constexpr double kRate = 2 << 20;
  for (const char* what : {"write", "read"}) {
    const std::string flag = cat("--io-", what, "-bps");
    expect_within(kRate * 0.85, kRate * 1.15, [&] {
      const Ran ran = run({flag, cat(static_cast<int>(kRate))}, {"load", what, path, cat(8 << 20)});
      EXPECT_EQ(ran.exit_code, 0) << ran.err;
      return printed(ran, "bytes_per_second");
    });
  }
}

// contract: G49
TEST_F(Effect, MemoryHighReclaims) {
  if (!is_v2("memory")) {
    const Ran ran = run({"--memory-high", "32", "--json"}, {"true"});
    const govern::JobResult result = document_of(ran);
    ASSERT_EQ(result.limits.size(), 1u);
    EXPECT_EQ(result.limits.front().status, govern::LimitStatus::kDegraded) << "v1's soft limit does not hold";
    return;
  }
  // Page cache of 128 MiB passes through a group of 32.
  const std::string path = scratch();
  const std::string script =
      cat("dd if=", path, " of=/dev/null bs=1M count=128 2>/dev/null; p=/sys/fs/cgroup$(cut -c4- /proc/self/cgroup); ",
          "cat $p/memory.current; grep '^high ' $p/memory.events");
  const Ran ran = run({"--memory-high", "32"}, {"sh", "-c", script});
  const auto lines = split(trim(ran.out), '\n');
  ASSERT_EQ(lines.size(), 2u) << ran.out << ran.err;
  EXPECT_LE(parse_int(lines[0]).value_or(-1), 40 << 20);
  EXPECT_GT(sys::parse_flat_key(lines[1], "high").value_or(0), 0);
}

}  // namespace
}  // namespace ffrtmp::test
