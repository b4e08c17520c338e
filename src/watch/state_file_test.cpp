#include "watch/state_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/fault.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::watch {
namespace {

namespace fs = std::filesystem;

const UtcTime kNow = *parse_utc("2026-01-07T10:20:30Z");

State sample() {
  State state;
  state.boot_id = "b1";
  state.last_scan_at = kNow;
  state.statistics = {7, 3, 2};
  StateProcess& process = state.processes["42"];
  process.pid = 42;
  process.job_id = "auto-ffmpeg-42";
  process.command = "ffmpeg";
  process.start_ticks = 1000;
  process.discovered_at = kNow;
  process.governance = govern::Governance::kFull;
  process.group = "/ffrtmp/auto-ffmpeg-42";
  process.original_cgroup = {{"memory", "/a"}};
  process.original_nice = {{"42", 3}};
  govern::DeadLetter letter;
  letter.pid = 43;
  letter.reason = "exhausted";
  state.dead_letters = {letter};
  return state;
}

class StateFile : public ::testing::Test {
 protected:
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(dir_.path())) found.push_back(entry.path().filename());
    std::sort(found.begin(), found.end());
    return found;
  }
  test::TempDir dir_;
  const std::string path_ = dir_ / "s.json";
};

TEST_F(StateFile, ComesBackAsItWasWritten) {
  for (const bool fsync : {false, true}) {
    ASSERT_TRUE(save_state(path_, encode_state(sample()), fsync));
    const auto loaded = load_state(path_, "b1", kNow);
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_TRUE(loaded->was_there);
    EXPECT_EQ(encode_state(loaded->state), encode_state(sample()));
  }
  EXPECT_EQ(names(), std::vector<std::string>{"s.json"}) << "nothing beside it";
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(StateFile, AttachedAtIsAbsentUntilItIsTrue) {
  EXPECT_EQ(encode_state(sample()).find("attached_at"), std::string::npos);
}

TEST_F(StateFile, AMissingFileIsFresh) {
  const auto loaded = load_state(path_, "b1", kNow);
  ASSERT_TRUE(loaded);
  EXPECT_FALSE(loaded->was_there);
  EXPECT_EQ(loaded->state.statistics, StateStatistics{});
}

// contract: G33
TEST_F(StateFile, WhatIsNoStateIsKept) {
  for (const char* text : {"", "{", "[]", "null", "{\"version\":\"1.1\"", "{\"version\":1}", "{}",
                           "{\"version\":\"1.1\",\"processes\":[]}", "\xff\xfe"}) {
    test::write_file(path_, text);
    const auto loaded = load_state(path_, "b1", kNow);
    ASSERT_TRUE(loaded) << text;
    EXPECT_EQ(loaded->set_aside, path_ + ".corrupt-2026-01-07T10:20:30.000000Z") << text;
    EXPECT_EQ(test::read_file(loaded->set_aside), text);
    EXPECT_FALSE(fs::exists(path_));
  }
  test::write_file(path_, "{\"version\":\"9.0\",\"processes\":17}");
  EXPECT_TRUE(load_state(path_, "b1", kNow)->set_aside.ends_with(".unsupported-2026-01-07T10:20:30.000000Z"));
}

TEST_F(StateFile, OfAnotherBootOrAnOlderVersionOnlyCountersStay) {
  ASSERT_TRUE(save_state(path_, encode_state(sample()), false));
  const auto other = load_state(path_, "b2", kNow);
  EXPECT_TRUE(other->state.processes.empty());
  EXPECT_EQ(other->state.statistics, (StateStatistics{7, 3, 2}));
  test::write_file(path_, "{\"version\":\"1.0\",\"processes\":[1],\"statistics\":{\"total_scans\":5}}");
  const auto old = load_state(path_, "b1", kNow);
  EXPECT_EQ(old->set_aside, "");
  EXPECT_EQ(old->state.statistics.total_scans, 5);
  EXPECT_EQ(old->state.version, "1.1");
}

TEST_F(StateFile, LeftoversOfACrashGoAndAFailureLeavesNone) {
  test::write_file(path_ + ".0123456789abcdef.tmp", "half");
  ASSERT_TRUE(load_state(path_, "b1", kNow));
  EXPECT_TRUE(names().empty());
  ASSERT_TRUE(fault::arm("flush:ENOSPC"));
  EXPECT_FALSE(save_state(path_, "x", false));
  ASSERT_TRUE(fault::arm(""));
  fs::create_directory(path_);  // cannot be renamed over
  EXPECT_FALSE(save_state(path_, "x", false));
  EXPECT_EQ(names(), std::vector<std::string>{"s.json"});
}

}  // namespace
}  // namespace ffrtmp::watch
