// HLS outputs of the real binary and the real ffmpeg: the set at its path, segment by segment, and what is left of one
// that did not get there.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/text.h"
#include "sys/proc_fs.h"
#include "tests/e2e/box.h"
#include "tests/support/fake_ffmpeg.h"
#include "tests/support/small_disk.h"

namespace ffrtmp::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using Names = std::vector<std::string>;

constexpr const char* kHls = R"(,"output_mode":"hls")";

Names names_in(const std::string& dir) {
  Names out;
  for (const auto& entry : fs::directory_iterator(dir)) out.push_back(entry.path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

struct Segment {
  std::string name;
  double seconds;
};

// As a player reads it, by this test's own eyes.
std::vector<Segment> segments_of(const std::string& playlist) {
  std::vector<Segment> out;
  double seconds = 0;
  const std::string text = read_file(playlist);
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with("#EXTINF:"))
      seconds = parse_number(line.substr(8, line.find(',') - 8)).value_or(-1);
    else if (!line.empty() && line.front() != '#')
      out.push_back({std::string(line), seconds});
  }
  return out;
}

struct Pictures {
  int count = 0;
  double span = 0;  // from the first to the end of the last
  bool key_first = false;
};

Pictures pictures_of(const std::string& path) {
  const Ran ran = run_command({"ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
                               "packet=pts_time,flags", "-of", "csv=p=0", path});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(ran.err, "");
  Pictures out;
  double first = 0;
  double last = 0;
  for (const std::string_view line : split(ran.out, '\n')) {
    const auto parts = split(line, ',');
    if (parts.size() < 2) continue;
    const double pts = parse_number(parts[0]).value_or(-1);
    if (out.count++ == 0) {
      first = last = pts;
      out.key_first = parts[1].find('K') != std::string_view::npos;
    }
    first = std::min(first, pts);
    last = std::max(last, pts);
  }
  out.span = last - first + 1.0 / 30;
  return out;
}

// contract: F37
TEST(Hls, AWholeSetStandsAtItsPath) {
  Box box;
  box.start_master();
  box.start_worker();
  const auto job = box.wait_end(box.submit(box.clip(7), box.path("out/film.m3u8"), kHls));
  ASSERT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  const auto segments = segments_of(box.path("out/film.m3u8"));
  ASSERT_EQ(segments.size(), 3U) << read_file(box.path("out/film.m3u8"));
  EXPECT_EQ(names_in(box.path("out")), (Names{segments[0].name, segments[1].name, segments[2].name, "film.m3u8"}));
  EXPECT_NE(read_file(box.path("out/film.m3u8")).find("#EXT-X-ENDLIST"), std::string::npos);
  int pictures = 0;
  std::int64_t bytes = static_cast<std::int64_t>(fs::file_size(box.path("out/film.m3u8")));
  for (const Segment& segment : segments) {
    const std::string path = box.path(cat("out/", segment.name));
    const Pictures found = pictures_of(path);
    EXPECT_NEAR(found.span, segment.seconds, 0.01) << segment.name;
    EXPECT_TRUE(found.key_first) << segment.name;
    pictures += found.count;
    bytes += static_cast<std::int64_t>(fs::file_size(path));
    const Ran decoded = run_command({"ffmpeg", "-nostdin", "-v", "error", "-xerror", "-i", path, "-f", "null", "-"});
    EXPECT_EQ(decoded.exit_code, 0) << decoded.err;
  }
  EXPECT_EQ(pictures, 210);
  EXPECT_NEAR(segments[0].seconds, 3, 0.05);
  EXPECT_NEAR(segments[1].seconds, 3, 0.05);
  EXPECT_EQ(pictures_of(box.path("out/film.m3u8")).count, 210);
  ASSERT_TRUE(job.result && job.result->output);
  EXPECT_TRUE(job.result->output->verified);
  EXPECT_EQ(job.result->output->path, box.path("out/film.m3u8"));
  EXPECT_EQ(job.result->output->size_bytes, bytes);
}

TEST(Hls, AnExistingPlaylistIsKeptUnlessAsked) {
  Box box;
  box.start_master();
  box.start_worker();
  fs::create_directory(box.path("out"));
  write_file(box.path("out/film0.ts"), "a user's");
  const std::string in = box.clip(4);
  const std::string out = box.path("out/film.m3u8");
  ASSERT_EQ(box.wait_end(box.submit(in, out, kHls)).status, model::JobState::kCompleted);
  const std::string before = read_file(out);
  const auto refused = box.wait_end(box.submit(in, out, kHls));
  EXPECT_EQ(refused.failure_reason, model::FailureReason::kUserError) << refused.error.value_or("");
  EXPECT_EQ(read_file(out), before);
  EXPECT_EQ(names_in(box.path("out")).size(), 4U);
  const auto replaced = box.wait_end(box.submit(in, out, cat(kHls, R"(,"duration":2,"overwrite":true)")));
  ASSERT_EQ(replaced.status, model::JobState::kCompleted) << replaced.error.value_or("");
  const auto segments = segments_of(out);
  ASSERT_EQ(segments.size(), 1U);
  EXPECT_EQ(before.find(segments[0].name), std::string::npos);
  EXPECT_TRUE(eventually(
      [&] {
        return names_in(box.path("out")) == Names{segments[0].name, "film.m3u8", "film0.ts"};
      },
      5s))
      << join(names_in(box.path("out")), " ");
  EXPECT_EQ(read_file(box.path("out/film0.ts")), "a user's");
}

// A long job whose first segments are written.
std::int64_t start_long(Box& box, const std::string& out) {
  const auto number =
      box.submit(box.clip(20, "long.mp4"), out, cat(kHls, R"(,"preset":"slower","resolution":"1280x720")"));
  EXPECT_TRUE(eventually(
      [&] {
        std::size_t segments = 0;
        std::error_code error;
        for (const auto& entry : fs::recursive_directory_iterator(fs::path(out).parent_path(), error))
          if (entry.path().extension() == ".ts" && entry.path().string().find(".part.") != std::string::npos)
            ++segments;
        return segments >= 1;
      },
      30s))
      << "nothing is staged";
  return number;
}

// contract: F13
TEST(Hls, ACanceledOneLeavesTheUsersFilesAlone) {
  Box box;
  box.start_master();
  box.start_worker();
  fs::create_directory(box.path("out"));
  write_file(box.path("out/mine.ts"), "a user's");
  const auto number = start_long(box, box.path("out/film.m3u8"));
  EXPECT_EQ(box.http("POST", cat("/api/v1/jobs/", number, "/cancel"), R"({"grace_seconds":1})").status, 202);
  EXPECT_EQ(box.wait_end(number).status, model::JobState::kCanceled);
  EXPECT_TRUE(eventually([&] { return names_in(box.path("out")) == Names{"mine.ts"}; }, 5s))
      << join(names_in(box.path("out")), " ");
}

// contract: F24
TEST(Hls, WhatADeadWorkerStagedIsSweptByTheNext) {
  Box box;
  box.start_master();
  box.start_worker();
  const auto number = start_long(box, box.path("out/film.m3u8"));
  box.worker().send(SIGKILL);
  ASSERT_EQ(box.worker().wait(5s), 128 + SIGKILL);
  for (const pid_t pid : box.engine_processes())
    if (auto stat = sys::read_stat(sys::Host::real(), pid); stat && stat->comm == "ffrtmp-sv") kill(pid, SIGKILL);
  EXPECT_TRUE(eventually([&] { return box.engine_processes().empty(); }, 3s));
  EXPECT_EQ(names_in(box.path("out")).size(), 1U);
  EXPECT_EQ(box.http("POST", cat("/api/v1/jobs/", number, "/cancel")).status, 202);
  box.start_worker();
  EXPECT_TRUE(eventually([&] { return names_in(box.path("out")).empty(); }, 20s))
      << join(names_in(box.path("out")), " ");
  box.wait_end(number);
}

// contract: F23
TEST(Hls, AWorkerThatComesBackPublishesTheSet) {
  Box box;
  box.start_master();
  const std::string program = install_fake_ffmpeg(box.path("bin"), "frames=30;slow=3;real");
  box.start_worker("w1", {"--ffmpeg", program});
  const auto number = box.submit(box.clip(4), box.path("film.m3u8"), kHls);
  box.wait_for(number, [](const api::Job& job) { return job.status == model::JobState::kRunning; });
  box.worker().send(SIGKILL);
  ASSERT_EQ(box.worker().wait(5s), 128 + SIGKILL);
  box.start_worker("w1", {"--ffmpeg", program});
  const auto job = box.wait_end(number);
  ASSERT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  EXPECT_EQ(job.attempts->size(), 1U);
  EXPECT_EQ(pictures_of(box.path("film.m3u8")).count, 120);
}

TEST(Hls, AnEmptyPlaylistIsNoOutput) {
  Box box;
  box.start_master();
  const std::string program = install_fake_ffmpeg(box.path("bin"), "damage=empty");
  box.start_worker("w1", {"--ffmpeg", program});
  const auto job = box.wait_end(box.submit(box.clip(4), box.path("out/film.m3u8"), kHls, R"(,"max_retries":0)"));
  EXPECT_EQ(job.failure_reason, model::FailureReason::kOutputError) << job.error.value_or("");
  EXPECT_EQ(names_in(box.path("out")), Names{});
}

// ffmpeg says nothing there, and exits 0.
// contract: F47
TEST(Hls, AFullDiskIsNamed) {
  if (geteuid() != 0) GTEST_SKIP() << "mounting needs root";
  Box box;
  SmallDisk disk(box.path("small"), "1m");
  box.start_master();
  box.start_worker();
  const auto job = box.wait_end(
      box.submit(box.clip(20), box.path("small/film.m3u8"), cat(kHls, R"(,"bitrate":"4M")"), R"(,"max_retries":0)"));
  EXPECT_EQ(job.status, model::JobState::kFailed);
  EXPECT_EQ(job.failure_reason, model::FailureReason::kPlatformError) << job.error.value_or("");
  EXPECT_NE(job.error.value_or("").find("is 100.0 % full"), std::string::npos) << job.error.value_or("");
  EXPECT_EQ(names_in(box.path("small")), Names{});
}

}  // namespace
}  // namespace ffrtmp::test
