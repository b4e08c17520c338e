// The main job with the real ffmpeg, and with ones that break.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "api/codec.h"
#include "base/text.h"
#include "sys/proc_fs.h"
#include "tests/e2e/box.h"
#include "tests/support/fake_ffmpeg.h"
#include "tests/support/sanitized.h"

namespace ffrtmp::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::string probe(const std::string& path, const std::string& entries) {
  return std::string(trim(run_command({"ffprobe", "-v", "error", "-select_streams", "v:0", "-count_packets", "-show_entries",
                                       "stream=" + entries, "-of", "csv=p=0", path}).out));
}

// A master and a worker whose ffmpeg is a fake one, which is returned.
std::string start_with_fake(Box& box, std::string_view behaviour, const Arguments& flags = {}) {
  box.start_master();
  const std::string program = install_fake_ffmpeg(box.path("bin"), behaviour);
  Arguments all{"--ffmpeg", program};
  all.insert(all.end(), flags.begin(), flags.end());
  box.start_worker("w1", all);
  box.wait_for_nodes(1);
  return program;
}

TEST(Transcode, ARealJobEndsWithAProvenOutput) {
  Box box;
  box.start_master();
  box.start_worker();
  const std::string in = box.clip(2);
  const std::string before = read_file(in);
  const auto number = box.submit(in, box.path("out/deep/o.mp4"), R"(,"resolution":"160x90","fps":15)");
  const auto job = box.wait_end(number);
  EXPECT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  ASSERT_TRUE(job.result && job.result->output);
  EXPECT_TRUE(job.result->output->verified);
  EXPECT_EQ(probe(box.path("out/deep/o.mp4"), "width,height,nb_read_packets"), "160,90,30");
  EXPECT_EQ(job.result->output->size_bytes, static_cast<std::int64_t>(fs::file_size(box.path("out/deep/o.mp4"))));
  EXPECT_EQ(read_file(in), before);
  ASSERT_TRUE(job.state_transitions);
  std::string states;
  for (const auto& t : *job.state_transitions) states += cat(static_cast<int>(t.to), " ");
  EXPECT_EQ(states, "0 1 2 5 ");
  EXPECT_TRUE(fs::is_empty(box.path("w1/attempts")));
}

TEST(Transcode, AWorkerTellsOfItself) {
  Box box;
  box.start_master();
  box.start_worker();
  box.wait_for_nodes(1);
  const auto number = box.submit(box.clip(1), box.path("o.mp4"));
  ASSERT_EQ(box.wait_end(number).status, model::JobState::kCompleted);
  const std::string log = read_file(box.path("w1.log"));
  const auto at = log.find("http://127.0.0.1:");
  ASSERT_NE(at, std::string::npos) << log;
  const std::string base = log.substr(at, log.find("/metrics", at) - at);
  const auto get = [&](const std::string& path) { return run_command({"curl", "-s", "-f", base + path}); };
  EXPECT_TRUE(eventually([&] {
    const std::string text = get("/metrics").out;
    return text.find("\nffrtmp_worker_jobs_completed_total{") != std::string::npos &&
           text.find(cat("\nffrtmp_job_output_bytes_total{component=\"worker\",node_id=\"", box.job(number).node_id->str(),
                         "\"} ", fs::file_size(box.path("o.mp4")), "\n")) != std::string::npos;
  })) << get("/metrics").out;
  EXPECT_EQ(get("/readyz").exit_code, 0);
  write_file(box.path("worker.prom"), get("/metrics").out);
  write_file(box.path("master.prom"), box.http("GET", "/metrics").body);
  for (const char* scrape : {"worker.prom", "master.prom"}) {  // contract: F48
    const Ran lint = run_command({"/bin/sh", "-c", cat("promtool check metrics < ", box.path(scrape))});
    EXPECT_EQ(lint.exit_code, 0) << scrape << ": " << lint.out << lint.err;
  }
  EXPECT_EQ(trim(get("/violations").out), "[]");
  EXPECT_NE(get("/nothing").exit_code, 0);
  box.master().send(SIGKILL);
  EXPECT_TRUE(eventually([&] { return get("/readyz").exit_code != 0; })) << "a worker without a master is not ready";
  EXPECT_EQ(get("/healthz").exit_code, 0) << "but alive";
}

TEST(Transcode, AnExistingOutputIsKeptUnlessAsked) {
  Box box;
  box.start_master();
  box.start_worker();
  const std::string in = box.clip(1);
  write_file(box.path("o.mp4"), "mine");
  const auto refused = box.wait_end(box.submit(in, box.path("o.mp4")));
  EXPECT_EQ(refused.status, model::JobState::kFailed);
  EXPECT_EQ(refused.failure_reason, model::FailureReason::kUserError);
  EXPECT_EQ(refused.attempts->size(), 1U);
  EXPECT_EQ(read_file(box.path("o.mp4")), "mine");
  const auto allowed = box.wait_end(box.submit(in, box.path("o.mp4"), R"(,"overwrite":true)"));
  EXPECT_EQ(allowed.status, model::JobState::kCompleted) << allowed.error.value_or("");
  EXPECT_EQ(probe(box.path("o.mp4"), "nb_read_packets"), "30");
}

// contract: F41
TEST(Transcode, ADamagedOutputIsNotPublished) {
  Box box;
  start_with_fake(box, "damage=zero:60000");
  const auto job = box.wait_end(box.submit(box.clip(6), box.path("o.mp4"), R"(,"bitrate":"2M")", R"(,"max_retries":0)"));
  EXPECT_EQ(job.status, model::JobState::kFailed);
  EXPECT_EQ(job.failure_reason, model::FailureReason::kOutputError) << job.error.value_or("");
  EXPECT_FALSE(fs::exists(box.path("o.mp4")));
}

// contract: F53
TEST(Transcode, AnEngineThatDropsTheEndIsCaught) {
  Box box;
  start_with_fake(box, "drop_tail=2;lie");
  const auto job = box.wait_end(box.submit(box.clip(6), box.path("o.mp4"), "", R"(,"max_retries":0)"));
  EXPECT_EQ(job.failure_reason, model::FailureReason::kOutputError) << job.error.value_or("");
  EXPECT_FALSE(fs::exists(box.path("o.mp4")));
}

// contract: F20
TEST(Transcode, AnEngineWithoutProgressStalls) {
  Box box;
  start_with_fake(box, "hang;no_progress", {"--stall-timeout", "2s"});
  const auto started = std::chrono::steady_clock::now();
  const auto job = box.wait_end(box.submit(box.clip(1), box.path("o.mp4"), "", R"(,"max_retries":0)"));
  EXPECT_EQ(job.status, model::JobState::kTimedOut) << job.error.value_or("");
  EXPECT_EQ(job.failure_reason, model::FailureReason::kTimeout);
  EXPECT_GE(std::chrono::steady_clock::now() - started, 2s);
}

// contract: F18
TEST(Transcode, WhatCannotGetBetterIsNotRetried) {
  Box box;
  box.start_master();
  box.start_worker();
  write_file(box.path("text.mp4"), "no media at all");
  const auto job = box.wait_end(box.submit(box.path("text.mp4"), box.path("o.mp4")));
  EXPECT_EQ(job.failure_reason, model::FailureReason::kInputError);
  EXPECT_EQ(job.attempts->size(), 1U);
  const auto missing = box.wait_end(box.submit(box.path("none.mp4"), box.path("o.mp4")));
  EXPECT_EQ(missing.failure_reason, model::FailureReason::kInputError);
  EXPECT_EQ(missing.attempts->size(), 1U);
}

// contract: F42
TEST(Transcode, AFloodOfWordsIsBounded) {
  Box box;
  start_with_fake(box, "flood=200M;frames=30;exit=1");
  const auto number = box.submit(box.clip(1), box.path("o.mp4"), "", R"(,"max_retries":0)");
  std::int64_t largest = 0;
  const long page = sysconf(_SC_PAGESIZE);
  box.wait_for(
      number,
      [&](const api::Job& job) {
        for (const pid_t pid : {box.master().pid(), box.worker().pid()})
          if (auto stat = sys::read_stat(sys::Host::real(), pid)) largest = std::max(largest, stat->rss_pages * page);
        return model::is_ended(job.status);
      },
      120s);
  EXPECT_LT(largest, (kIsSanitized ? 400 : 100) << 20);
  const auto end = api::decode<api::LogPage>(box.http("GET", cat("/api/v1/jobs/", number, "/logs?offset=-100")).body);
  ASSERT_TRUE(end);
  EXPECT_GT(end->next_offset, 200'000'000);
  EXPECT_GT(end->dropped_bytes, 100'000'000);
}

// contract: F43
TEST(Transcode, TheCommandLineTellsHowItEnded) {
  Box box;
  box.start_master();
  box.start_worker();
  const std::string in = box.clip(1);
  const Ran good = box.cli({"jobs", "submit", "--scenario", "180p30-h264", "--param", "input=" + in, "--param",
                            "output=" + box.path("o.mp4"), "--wait"});
  EXPECT_EQ(good.exit_code, 0) << good.err;
  EXPECT_TRUE(fs::exists(box.path("o.mp4")));
  const Ran bad = box.cli({"jobs", "submit", "--scenario", "x", "--param", "input=" + box.path("none.mp4"), "--param",
                           "output=" + box.path("p.mp4"), "--wait"});
  EXPECT_EQ(bad.exit_code, 4);
  EXPECT_EQ(box.cli({"jobs", "status", "99999"}).exit_code, 3);
  EXPECT_EQ(box.cli({"jobs", "list", "--colour", "red"}).exit_code, 2);
}

// contract: F36
TEST(Transcode, AHardwareEncoderThatBreaksGoesOnInSoftware) {
  Box box;
  start_with_fake(box, "nvenc;nvenc_dies=0.5");
  const auto job = box.wait_end(box.submit(box.clip(1), box.path("o.mp4")));
  ASSERT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  EXPECT_EQ(job.attempts->size(), 1U);
  ASSERT_TRUE(job.result && job.result->encoder);
  EXPECT_EQ(job.result->encoder->used, "libx264");
  EXPECT_TRUE(job.result->encoder->fallback);
  EXPECT_NE(job.result->encoder->fallback_reason.value_or("").find("h264_nvenc: "), std::string::npos)
      << job.result->encoder->fallback_reason.value_or("");
  EXPECT_EQ(probe(box.path("o.mp4"), "codec_name"), "h264");
  const auto log = api::decode<api::LogPage>(box.http("GET", cat("/api/v1/jobs/", job.sequence_number, "/logs")).body);
  ASSERT_TRUE(log);
  EXPECT_NE(log->data.find("EncodePicture failed"), std::string::npos) << "the words of the engine that broke are kept";
}

// contract: F36
TEST(Transcode, WhateverTheHardwareSaysSoftwareIsTried) {
  Box box;
  const std::string program = start_with_fake(box, "nvenc");
  int outputs = 0;
  // libavcodec/nvenc.c and hwcontext_cuda.c, as ffmpeg 5.1 says it: no session left, device gone, out of memory.
  for (const char* words : {"OpenEncodeSessionEx failed: out of memory (10): (no details)", "No capable devices found",
                            "Cannot load libcuda.so.1", "Error while opening encoder for output stream #0:0"}) {
    set_fake_behaviour(program, cat("nvenc;nvenc_dies=0;nvenc_says=", words));
    const auto job = box.wait_end(box.submit(box.clip(1), box.path(cat("o", ++outputs, ".mp4"))));
    EXPECT_EQ(job.status, model::JobState::kCompleted) << words << ": " << job.error.value_or("");
    EXPECT_EQ(job.attempts->size(), 1U) << words;
    ASSERT_TRUE(job.result && job.result->encoder);
    EXPECT_TRUE(job.result->encoder->fallback) << words;
  }
}

// contract: F36
// contract: F34
TEST(Transcode, HardwareOfThisMachineIsUsedWhereItIsProven) {
  const auto count = [](const char* directory, const char* begin) {
    std::error_code none;
    return std::count_if(fs::directory_iterator(directory, none), fs::directory_iterator(), [&](const auto& entry) {
      return entry.path().filename().string().starts_with(begin);
    });
  };
  if (count("/dev/dri", "renderD") == 0 && count("/proc/driver/nvidia/gpus", "") == 0)
    GTEST_SKIP() << "no GPU here: neither /dev/dri/renderD* nor /proc/driver/nvidia/gpus/*";
  Box box;
  box.start_master();
  box.start_worker();
  box.wait_for_nodes(1);
  // What can be used is asked of ffmpeg itself, in the order of the contract.
  std::string expected = "libx264";
  for (const char* encoder : {"h264_vaapi", "h264_nvenc"}) {
    Arguments trial{"ffmpeg", "-nostdin", "-v", "error"};
    if (std::string_view(encoder) == "h264_vaapi")
      trial.insert(trial.end(), {"-init_hw_device", "vaapi=va:/dev/dri/renderD128", "-filter_hw_device", "va"});
    trial.insert(trial.end(), {"-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30", "-frames:v", "8", "-vf",
                               std::string_view(encoder) == "h264_vaapi" ? "format=nv12,hwupload" : "format=yuv420p",
                               "-c:v", encoder, "-f", "null", "-"});
    if (run_command(trial).exit_code == 0) expected = encoder;
  }
  const auto job = box.wait_end(box.submit(box.clip(1), box.path("o.mp4")));
  ASSERT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  ASSERT_TRUE(job.result && job.result->encoder);
  EXPECT_EQ(job.result->encoder->used, expected);
}

// One more at once would fail: the GPU has two sessions, the worker four slots.
TEST(Transcode, JobsWaitForASessionOfTheirEncoder) {
  Box box;
  start_with_fake(box, "nvenc;nvenc_sessions=2", {"--max-concurrent-jobs", "4"});
  const auto nodes = api::decode<api::NodeList>(box.http("GET", "/api/v1/nodes").body);
  ASSERT_TRUE(nodes && nodes->nodes.size() == 1);
  ASSERT_EQ(nodes->nodes.front().encoders.front().name, "h264_nvenc");
  EXPECT_EQ(nodes->nodes.front().encoders.front().sessions, 2);
  const std::string in = box.clip(1);
  std::vector<std::int64_t> jobs;
  for (int i = 0; i < 5; ++i)
    jobs.push_back(box.submit(in, box.path(cat("o", i, ".mp4")), ",\"codec\":\"h264_nvenc\"", ",\"max_retries\":0"));
  const auto software = box.submit(in, box.path("software.mp4"), ",\"codec\":\"h264\"", ",\"max_retries\":0");
  for (const std::int64_t number : jobs) {
    const auto job = box.wait_end(number);
    EXPECT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
    ASSERT_TRUE(job.result && job.result->encoder);
    EXPECT_EQ(job.result->encoder->used, "h264_nvenc");
  }
  const auto job = box.wait_end(software);
  EXPECT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  EXPECT_LT(*job.completed_at, *box.job(jobs.back()).completed_at) << "it waited for no session";
}

TEST(Transcode, ANamedHardwareEncoderIsNotReplaced) {
  Box box;
  start_with_fake(box, "nvenc;nvenc_dies=0.1");
  const auto job = box.wait_end(
      box.submit(box.clip(1), box.path("o.mp4"), ",\"codec\":\"h264_nvenc\"", ",\"max_retries\":0"));
  EXPECT_EQ(job.status, model::JobState::kFailed);
  EXPECT_FALSE(std::filesystem::exists(box.path("o.mp4")));
}

// What the master knows of the only node.
bool is_usable(Box& box, std::string_view name) {
  const auto list = api::decode<api::NodeList>(box.http("GET", "/api/v1/nodes").body);
  if (!list || list->nodes.empty()) return false;
  for (const model::Encoder& encoder : list->nodes.front().encoders)
    if (encoder.name == name) return encoder.usable;
  return false;
}

// contract: F35
TEST(Transcode, ANewFfmpegIsNoticedAndRegistered) {
  Box box;
  const std::string program = start_with_fake(box, "", {"--machine-check-interval", "300ms"});
  EXPECT_TRUE(is_usable(box, "libx264"));
  EXPECT_FALSE(is_usable(box, "h264_nvenc"));
  set_fake_behaviour(program, "nvenc");
  std::filesystem::last_write_time(program, std::filesystem::file_time_type::clock::now());
  EXPECT_TRUE(eventually([&] { return is_usable(box, "h264_nvenc"); }, 30s));
}

// A driver that dies is nothing that changes its version.
TEST(Transcode, HardwareThatBreaksTwiceInARowIsTriedAgain) {
  Box box;
  const std::string program = start_with_fake(box, "nvenc");
  EXPECT_TRUE(is_usable(box, "h264_nvenc"));
  set_fake_behaviour(program, "nvenc;nvenc_dies=0;nvenc_gone");
  for (const char* name : {"a.mp4", "b.mp4"}) {
    const auto job = box.wait_end(box.submit(box.clip(1), box.path(name)));
    EXPECT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
    ASSERT_TRUE(job.result && job.result->encoder);
    EXPECT_TRUE(job.result->encoder->fallback);
  }
  EXPECT_TRUE(eventually([&] { return !is_usable(box, "h264_nvenc"); }, 30s));
  const auto job = box.wait_end(box.submit(box.clip(1), box.path("c.mp4")));
  ASSERT_TRUE(job.result && job.result->encoder) << job.error.value_or("");
  EXPECT_FALSE(job.result->encoder->fallback) << "nobody tries it in vain";
  EXPECT_EQ(job.result->encoder->used, "libx264");
}

}  // namespace
}  // namespace ffrtmp::test
