#include "media/run_tool.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "tests/support/temp_dir.h"

namespace ffrtmp::media {
namespace {

using namespace std::chrono_literals;

TEST(RunTool, OutputErrorsAndExit) {
  const RunTool run = make_run_tool();
  const auto result = run({"sh", "-c", "echo out; echo err >&2; exit 3"}, 10s);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_EQ(result->out, "out\n");
  EXPECT_EQ(result->err, "err\n");
  EXPECT_EQ(run({"sh", "-c", "kill -9 $$"}, 10s)->exit_code, 137);
  EXPECT_EQ(run({"/none/at/all"}, 10s).error().code, Errc::kGone);
}

TEST(RunTool, MuchOutputIsReadAndTheTailOfErrorsKept) {
  const auto result = make_run_tool()(
      {"sh", "-c", "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero | tr '\\0' x >&2; printf end >&2"}, 30s);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out.size(), 3000000U);
  EXPECT_EQ(result->err.size(), 64U * 1024);
  EXPECT_TRUE(result->err.ends_with("xend"));
}

TEST(RunTool, OutputIsHandedOnAsItComesAndARefusalEndsIt) {
  std::size_t taken = 0;
  const auto result = make_run_tool()({"sh", "-c", "head -c 3000000 /dev/zero"}, 30s, [&](std::string_view piece) {
    taken += piece.size();
    return Status();
  });
  ASSERT_TRUE(result);
  EXPECT_EQ(taken, 3000000U);
  EXPECT_EQ(result->out, "");
  const auto refused = make_run_tool()({"sh", "-c", "while :; do echo x; done"}, 30s,
                                       [](std::string_view) -> Status { return make_error(Errc::kCorrupt, "enough"); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kCorrupt);
  EXPECT_EQ(make_run_tool()({"sh", "-c", "head -c 70000000 /dev/zero"}, 30s).error().code, Errc::kTooLarge);
}

TEST(RunTool, WhatWantsMoreMemoryThanItMayIsToldApart) {
  const std::vector<std::string> big{
      "ffmpeg",    "-nostdin", "-v",       "error",   "-f", "lavfi", "-i", "color=size=8192x8192:rate=1",
      "-frames:v", "1",        "-pix_fmt", "gbrpf32", "-f", "null",  "-"};
  ToolSettings little;
  little.max_data_bytes = std::uint64_t{160} << 20;
  const auto starved = make_run_tool(little)(big, 60s);
  ASSERT_FALSE(starved) << starved->err;
  EXPECT_EQ(starved.error().sys, ENOMEM);
  EXPECT_NE(starved.error().message.find("ffmpeg: needs more than 160 MiB"), std::string::npos)
      << starved.error().message;
  const auto fed = make_run_tool()(big, 60s);
  ASSERT_TRUE(fed) << fed.error().message;
  EXPECT_EQ(fed->exit_code, 0) << fed->err;
}

TEST(RunTool, WhatIsOutOfItsReachIsNotOpened) {
  const test::TempDir dir;
  test::write_file(dir / "mine", "mine");
  test::write_file(dir / "theirs", "theirs");
  ToolSettings confined;
  confined.reach = {{"/bin", "/usr", "/lib", "/lib64", "/etc/ld.so.cache", dir / "mine"}, {"/dev/null"}, {}};
  const auto got =
      make_run_tool(confined)({"sh", "-c", "cat \"$0/mine\" \"$0/theirs\"; echo x > \"$0/mine\"", dir.path()}, 10s);
  if (!got && got.error().code == Errc::kUnsupported) GTEST_SKIP() << "this kernel has no Landlock";
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->out, "mine");
  EXPECT_NE(got->err.find("theirs: Permission denied"), std::string::npos) << got->err;
  EXPECT_EQ(test::read_file(dir / "mine"), "mine");
}

// Pids that the script wrote; each must be gone.
void expect_gone(const std::string& pids) {
  std::size_t start = 0;
  while (start < pids.size()) {
    const std::size_t end = pids.find('\n', start);
    const pid_t pid = std::stoi(pids.substr(start, end - start));
    // A killed grandchild may still await its reaper: it must not run, that is all.
    for (int i = 0; i < 100 && kill(pid, 0) == 0; ++i) std::this_thread::sleep_for(10ms);
    std::string state;
    if (kill(pid, 0) == 0) state = test::read_file("/proc/" + std::to_string(pid) + "/stat");
    EXPECT_TRUE(state.empty() || state.find(") Z ") != std::string::npos) << state;
    start = end + 1;
  }
}

TEST(RunTool, ATimeoutKillsTheGroup) {
  const test::TempDir dir;
  const std::string script = "trap '' TERM; (trap '' TERM; exec sleep 60) & echo $! >" + (dir / "pids") +
                             "; echo $$ >>" + (dir / "pids") + "; wait";
  const auto begin = std::chrono::steady_clock::now();
  const auto result = make_run_tool()({"sh", "-c", script}, 300ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::kTimeout);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  expect_gone(test::read_file(dir / "pids"));
}

TEST(RunTool, ACancelEndsIt) {
  std::atomic<bool> canceled{false};
  std::thread later([&] {
    std::this_thread::sleep_for(100ms);
    canceled = true;
  });
  const auto begin = std::chrono::steady_clock::now();
  const auto result = make_run_tool({{}, {}, &canceled})({"sleep", "60"}, 60s);
  later.join();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::kUnavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

TEST(RunTool, AGrandchildDoesNotHoldUp) {
  const auto begin = std::chrono::steady_clock::now();
  const auto result = make_run_tool()({"sh", "-c", "sleep 60 & exit 0"}, 30s);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->exit_code, 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
}

}  // namespace
}  // namespace ffrtmp::media
