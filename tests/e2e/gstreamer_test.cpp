// Jobs of engine gstreamer with the real gst-launch-1.0. RTMP by GStreamer stands in live_test.cpp.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "api/codec.h"
#include "base/text.h"
#include "tests/e2e/box.h"

namespace ffrtmp::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

const Arguments kWithGstreamer{"--gst-launch", "gst-launch-1.0"};
const std::string kBinary = std::string(FFRTMP_BINARY_DIR) + "/ffrtmp";
constexpr const char* kGstreamer = R"(,"engine":"gstreamer")";

std::string probe(const std::string& path, const std::string& select, const std::string& entries) {
  return std::string(trim(run_command({"ffprobe", "-v", "error", "-select_streams", select, "-count_packets",
                                       "-show_entries", entries, "-of", "csv=p=0", path})
                              .out));
}

std::string in_json(std::string text) {
  for (std::size_t at = 0; (at = text.find_first_of("\"\\", at)) != std::string::npos; at += 2)
    text.insert(at, 1, '\\');
  return text;
}

bool is_getting_on(const api::Job& job) {
  return job.status == model::JobState::kRunning && job.progress && job.progress->out_time_ms.value_or(0) > 0;
}

std::vector<std::string> parts_in(const std::string& dir) {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(dir))
    if (entry.path().string().find(".part") != std::string::npos) out.push_back(entry.path());
  return out;
}

// Minutes of work for the encoder, so that a test finds it at work.
constexpr const char* kSlowly = R"(,"resolution":"1920x1080","preset":"veryslow")";

std::int64_t submit_slow(Box& box) {
  const auto reply = box.http("POST", "/api/v1/jobs",
                              cat(R"({"scenario":"test","engine":"gstreamer","parameters":{"input":")", box.clip(40),
                                  R"(","output":")", box.path("o.mp4"), R"(")", kSlowly, R"(},"max_retries":0})"));
  EXPECT_EQ(reply.status, 201) << reply.body;
  const auto job = api::decode<api::Job>(reply.body);
  return job ? job->sequence_number : -1;
}

TEST(Gstreamer, AFileAsItWasAskedFor) {
  Box box;
  box.start_master();
  box.start_worker("w1", kWithGstreamer);
  const std::string in = box.clip(6, "in \"a\" ! b\\c 'ü'.mp4");
  const std::string out = box.path("out ! \"x\" ö.mp4");
  const auto number =
      box.submit(in_json(in), in_json(out), R"(,"resolution":"160x90","fps":25,"duration":4)", kGstreamer);
  const auto job = box.wait_end(number);
  ASSERT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  ASSERT_TRUE(job.result && job.result->engine && job.result->stats && job.result->encoder);
  EXPECT_EQ(job.result->engine->used, "gstreamer");
  EXPECT_EQ(job.result->engine->reason, "Engine explicitly set to gstreamer via job parameters");
  EXPECT_EQ(job.result->encoder->used, "x264enc");
  EXPECT_EQ(job.result->stats->frames, 100);
  EXPECT_EQ(probe(out, "v:0", "stream=codec_name,width,height,r_frame_rate,nb_read_packets"), "h264,160,90,25/1,100");
  EXPECT_EQ(probe(out, "a:0", "stream=codec_name,channels"), "aac,1");
  EXPECT_NEAR(std::atof(probe(out, "v:0", "stream=duration").c_str()), 4, 0.05);
  EXPECT_NEAR(std::atof(probe(out, "a:0", "stream=duration").c_str()), 4, 0.1);
  const auto& argv = job.result->command;
  EXPECT_NE(std::find(argv.begin(), argv.end(), "qtdemux"), argv.end()) << "the demuxer is named, not guessed";
  EXPECT_TRUE(fs::is_empty(box.path("w1/attempts")));
}

TEST(Gstreamer, TheWholeInputWhenNothingElseIsAsked) {
  Box box;
  box.start_master();
  box.start_worker("w1", kWithGstreamer);
  for (const char* name : {"o.mp4", "o.mkv"}) {
    const auto job = box.wait_end(box.submit(box.clip(5), box.path(name), "", kGstreamer));
    ASSERT_EQ(job.status, model::JobState::kCompleted) << name << ": " << job.error.value_or("");
    EXPECT_EQ(probe(box.path(name), "v:0", "stream=codec_name,width,height,nb_read_packets"), "h264,320,180,150")
        << name;
    EXPECT_EQ(probe(box.path(name), "a:0", "stream=codec_name"), "aac") << name;
    EXPECT_NEAR(std::atof(probe(box.path(name), "v:0", "format=duration").c_str()), 5, 0.1) << name;
  }
}

// contract: F40
TEST(Gstreamer, TenMegabitsASecondAreTen) {
  constexpr double kSeconds = 6;
  Box box;
  box.start_master();
  box.start_worker("w1", kWithGstreamer);
  const std::string in = box.path("noise.mp4");
  const Ran made =
      run_command({"ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30", "-t",
                   format_fixed(kSeconds, 0), "-vf", "noise=alls=60:allf=t,format=yuv420p", "-c:v", "libx264",
                   "-preset", "ultrafast", "-crf", "10", in});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const auto job = box.wait_end(box.submit(in, box.path("o.mp4"), R"(,"bitrate":"10M")", kGstreamer));
  ASSERT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  double bytes = 0;
  const std::string sizes = probe(box.path("o.mp4"), "v:0", "packet=size");
  for (const std::string_view size : split(sizes, '\n')) bytes += std::atof(std::string(size).c_str());
  EXPECT_NEAR(bytes * 8 / kSeconds, 10e6, 1.5e6);
}

TEST(Gstreamer, PauseAndCancelReachIt) {
  Box box;
  box.start_master();
  box.start_worker("w1", kWithGstreamer);
  const auto number = submit_slow(box);
  const auto running = box.wait_for(number, is_getting_on);
  EXPECT_GT(running.progress->percent.value_or(0), 0);
  EXPECT_LT(running.progress->percent.value_or(100), 100);
  EXPECT_GT(running.progress->frame.value_or(0), 0);
  EXPECT_EQ(box.http("POST", cat("/api/v1/jobs/", number, "/pause")).status, 202);
  const auto paused = box.wait_for(number, [](const api::Job& job) { return job.status == model::JobState::kPaused; });
  EXPECT_EQ(box.http("POST", cat("/api/v1/jobs/", number, "/resume")).status, 202);
  box.wait_for(number, [&](const api::Job& job) {
    return is_getting_on(job) && job.progress->frame.value_or(0) > paused.progress->frame.value_or(0);
  });
  EXPECT_FALSE(parts_in(box.path("")).empty()) << "it is at work";
  EXPECT_EQ(box.http("POST", cat("/api/v1/jobs/", number, "/cancel"), R"({"grace_seconds":5})").status, 202);
  const auto job = box.wait_end(number);
  EXPECT_EQ(job.status, model::JobState::kCanceled);
  EXPECT_TRUE(job.result && job.result->graceful.value_or(false)) << "it heeds SIGTERM";
  EXPECT_FALSE(box.engine_runs());
  EXPECT_EQ(parts_in(box.path("")), std::vector<std::string>{});
  EXPECT_FALSE(fs::exists(box.path("o.mp4")));
  EXPECT_TRUE(eventually([&] { return fs::is_empty(box.path("w1/attempts")); }, 5s));
}

TEST(Gstreamer, APipelineThatStandsStillIsSeen) {
  Box box;
  box.start_master();
  box.start_worker("w1", {"--gst-launch", "gst-launch-1.0", "--stall-timeout", "2s"});
  const auto number = submit_slow(box);
  box.wait_for(number, is_getting_on);
  for (const pid_t pid : box.engine_processes()) {
    const std::string command = read_file(cat("/proc/", pid, "/cmdline"));
    if (command.starts_with("gst-launch-1.0")) kill(pid, SIGSTOP);
  }
  const auto job = box.wait_end(number);
  EXPECT_EQ(job.status, model::JobState::kTimedOut);
  EXPECT_NE(job.error.value_or("").find("stalled"), std::string::npos) << job.error.value_or("");
}

TEST(Gstreamer, FfmpegTakesOverWhatItDoesNotDo) {
  Box box;
  box.start_master();
  box.start_worker("w1", kWithGstreamer);
  auto job = box.wait_end(box.submit(box.clip(2), box.path("a.mp4"), R"(,"crf":28)", kGstreamer));
  ASSERT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  EXPECT_EQ(job.result->engine->used, "ffmpeg");
  EXPECT_EQ(job.result->engine->reason, "FFmpeg used for crf");
  job = box.wait_end(box.submit(box.clip(2), box.path("b.mp4"), R"(,"crf":28,"allow_fallback":false)", kGstreamer));
  EXPECT_EQ(job.status, model::JobState::kFailed);
  EXPECT_EQ(job.failure_reason, model::FailureReason::kUserError);
  EXPECT_EQ(job.error, "engine gstreamer does not do crf, and allow_fallback is false");
  job = box.wait_end(box.submit(box.clip(2), box.path("c.mp4")));
  ASSERT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  EXPECT_EQ(job.result->engine->reason, "File/batch processing - FFmpeg preferred");
}

TEST(Gstreamer, ANodeWithoutItUsesFfmpegWhereItMay) {
  Box box;
  box.start_master();
  box.start_worker("w1", {"--gst-launch", "gst-launch-none"});
  const auto job = box.wait_end(box.submit(box.clip(2), box.path("a.mp4"), "", kGstreamer));
  ASSERT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  EXPECT_EQ(job.result->engine->used, "ffmpeg");
  EXPECT_EQ(job.result->engine->reason, "GStreamer requested but not available, falling back to FFmpeg");
  const auto number = box.submit(box.clip(2), box.path("b.mp4"), R"(,"allow_fallback":false)", kGstreamer);
  std::this_thread::sleep_for(2s);
  const auto waiting = box.job(number);
  EXPECT_EQ(waiting.status, model::JobState::kQueued) << "it is matched, not tried";
  box.start_worker("w2", kWithGstreamer);
  const auto done = box.wait_end(number);
  ASSERT_EQ(done.status, model::JobState::kCompleted) << done.error.value_or("");
  EXPECT_EQ(done.result->engine->used, "gstreamer");
  EXPECT_EQ(done.attempts->size(), 1U);
}

TEST(Gstreamer, WorkerTellsOfIt) {
  const TempDir dir;
  const std::string with = run_command({kBinary, "worker", "--state-dir", dir / "none"}).out;
  EXPECT_NE(with.find("\ngstreamer:"), std::string::npos) << with;
  EXPECT_EQ(with.find("not usable"), std::string::npos) << with;
  const std::string without =
      run_command({kBinary, "worker", "--state-dir", dir / "none", "--gst-launch", "gst-launch-none"}).out;
  EXPECT_NE(without.find("not usable: gst-launch-none not found in PATH"), std::string::npos) << without;
}

}  // namespace
}  // namespace ffrtmp::test
