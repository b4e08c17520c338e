// Jobs that name no input: the real binary, the real ffmpeg; the fake one where something has to break.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <thread>

#include "api/codec.h"
#include "base/text.h"
#include "tests/e2e/box.h"
#include "tests/support/fake_ffmpeg.h"

namespace ffrtmp::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

bool all() { return std::getenv("FFRTMP_TEST_ALL") != nullptr; }

class Generate : public testing::Test {
 protected:
  void start(const Arguments& worker_flags = {}) {
    box_.start_master();
    box_.start_worker("w1", worker_flags);
    box_.wait_for_nodes(1);
  }
  void start_fake(const std::string& behaviour, Arguments worker_flags = {}) {
    program_ = install_fake_ffmpeg(box_.path("bin"), behaviour);
    worker_flags.insert(worker_flags.end(), {"--ffmpeg", program_});
    start(worker_flags);
  }
  // `parameters` as the members of an object.
  std::int64_t submit(const std::string& parameters, const std::string& more = R"(,"max_retries":0)") {
    const auto reply = box_.http("POST", "/api/v1/jobs",
                                 cat(R"({"scenario":"180p15-h264","parameters":{)", parameters, "}", more, "}"));
    EXPECT_EQ(reply.status, 201) << reply.body;
    const auto job = api::decode<api::Job>(reply.body);
    return job ? job->sequence_number : -1;
  }
  [[nodiscard]] std::string to(const std::string& name) const { return cat(R"("output":")", box_.path(name), "\""); }
  [[nodiscard]] std::set<std::string> names_in(const std::string& dir) const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(box_.worker_dir() + "/work/" + dir))
      names.insert(entry.path().filename());
    return names;
  }
  // Of the box's worker: the log says the port.
  std::string metrics() const {
    const std::string log = read_file(box_.path("w1.log"));
    const std::size_t at = log.find("http://127.0.0.1:");
    if (at == std::string::npos) return "no address in: " + log;
    auto client = net::Client::open({log.substr(at, log.find("/metrics", at) - at), "", true, ""});
    net::Request request;
    request.target = "/metrics";
    const auto reply = (*client)->send(request, 5s);
    return reply ? reply->body : reply.error().message;
  }
  // Nothing of the generation remains once the runner has ended, which is a moment after the job has.
  void expect_nothing_left() const {
    EXPECT_TRUE(eventually([this] { return names_in("inputs").empty(); })) << *names_in("inputs").begin();
  }

  Box box_;
  std::string program_;
};

std::string probe(const std::string& path, const std::string& streams, const std::string& entries) {
  return std::string(trim(run_command({"ffprobe", "-v", "error", "-select_streams", streams, "-count_packets",
                                       "-show_entries", "stream=" + entries, "-of", "csv=p=0", path})
                              .out));
}

TEST_F(Generate, AJobWithoutInputGetsOneByItsOwnParameters) {
  start();
  const auto job = box_.wait_end(submit(cat(to("o.mp4"), R"(,"duration":2.5)")));
  ASSERT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  EXPECT_EQ(probe(box_.path("o.mp4"), "v:0", "codec_name,width,height,nb_read_packets"), "h264,320,180,38");
  EXPECT_EQ(probe(box_.path("o.mp4"), "a:0", "codec_name"), "aac");
  ASSERT_TRUE(job.result && job.result->input);
  const model::InputInfo& input = *job.result->input;
  EXPECT_TRUE(input.generated);
  EXPECT_FALSE(input.looped);
  EXPECT_EQ(input.encoder, "libx264");
  EXPECT_EQ(input.path, cat(box_.worker_dir(), "/work/inputs/input_", job.id.str(), ".mp4"));
  EXPECT_GT(input.size_bytes.value_or(0), 10'000);
  EXPECT_FALSE(job.result->output->removed);
  EXPECT_EQ(job.attempts->size(), 1U);
  expect_nothing_left();
  EXPECT_TRUE(fs::exists(box_.path("o.mp4"))) << "a user's output stays";
  const std::string text = metrics();
  const auto has = [&](const std::string& line) { return text.find(line) != std::string::npos; };
  const std::string node = cat("{component=\"worker\",node_id=\"", job.node_id->str(), "\"");
  EXPECT_TRUE(has(cat("ffrtmp_worker_total_inputs_generated", node, "} 1\n"))) << text;
  EXPECT_TRUE(has(cat("ffrtmp_worker_input_file_size_bytes_sum", node, "} ", *input.size_bytes, "\n"))) << text;
  EXPECT_TRUE(has(cat("ffrtmp_worker_input_generation_duration_seconds_count", node, "} 1\n"))) << text;
}

TEST_F(Generate, WithoutOutputBothGo) {
  start();
  const Ran ran = box_.cli({"jobs", "submit", "--scenario", "180p15-h264", "--param", "duration=1", "--wait"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_NE(ran.out.find("(removed: no input and no output was named)"), std::string::npos) << ran.out;
  const auto job = box_.job(1);
  ASSERT_TRUE(job.result && job.result->output);
  EXPECT_EQ(job.result->output->path, cat(box_.worker_dir(), "/work/outputs/job_", job.id.str(), "_output.mp4"));
  EXPECT_TRUE(job.result->output->verified);
  EXPECT_EQ(job.result->output->removed, true);
  expect_nothing_left();
  EXPECT_TRUE(eventually([this] { return names_in("outputs").empty(); }));
  // The same of an input of the user's: a default output stays.
  const auto named = box_.wait_end(submit(cat(R"("input":")", box_.clip(1), "\"")));
  ASSERT_EQ(named.status, model::JobState::kCompleted) << named.error.value_or("");
  EXPECT_TRUE(eventually([this] { return fs::is_empty(box_.worker_dir() + "/attempts"); }));
  EXPECT_EQ(names_in("outputs"), std::set<std::string>{cat("job_", named.id.str(), "_output.mp4")});
  EXPECT_FALSE(named.result->output->removed);
  EXPECT_TRUE(fs::exists(box_.path("in.mp4")));
}

TEST_F(Generate, EverythingMayStay) {
  setenv("PERSIST_INPUTS", "yes", 1);
  setenv("PERSIST_OUTPUTS", "1", 1);
  start();
  unsetenv("PERSIST_INPUTS");
  unsetenv("PERSIST_OUTPUTS");
  const auto job = box_.wait_end(submit(R"("duration":1,"codec":"vp9")"));
  ASSERT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  EXPECT_TRUE(eventually([this] { return fs::is_empty(box_.worker_dir() + "/attempts"); }));
  EXPECT_EQ(names_in("inputs"), std::set<std::string>{cat("input_", job.id.str(), ".mp4")});
  EXPECT_EQ(names_in("outputs"), std::set<std::string>{cat("job_", job.id.str(), "_output.webm")});
  EXPECT_EQ(static_cast<std::int64_t>(fs::file_size(job.result->input->path)), job.result->input->size_bytes);
  EXPECT_EQ(fs::status(box_.worker_dir() + "/work/inputs").permissions(), fs::perms::owner_all);
}

// contract: F38
TEST_F(Generate, ALongJobReadsAShortInputAgain) {
  const double seconds = all() ? 300 : 7.5;
  if (all())
    start();
  else
    start({"--generate-max-seconds", "2"});
  const auto job = box_.wait_end(submit(cat(to("o.mp4"), R"(,"duration":)", format_fixed(seconds, 1))), 600s);
  ASSERT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  EXPECT_TRUE(job.result->input->looped);
  const auto frames = parse_int(probe(box_.path("o.mp4"), "v:0", "nb_read_packets"));
  EXPECT_NEAR(static_cast<double>(frames.value_or(0)), seconds * 15, 1);
  for (const char* stream : {"v:0", "a:0"})
    EXPECT_NEAR(parse_number(probe(box_.path("o.mp4"), stream, "duration")).value_or(0), seconds, 0.2) << stream;
  expect_nothing_left();
}

TEST_F(Generate, LoopedAndCopied) {
  start({"--generate-max-seconds", "2"});
  const auto job = box_.wait_end(submit(cat(to("o.mp4"), R"(,"duration":5,"codec":"copy","audio_codec":"copy")")));
  ASSERT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  EXPECT_EQ(probe(box_.path("o.mp4"), "v:0", "width,height"), "1280,720");
  EXPECT_NEAR(parse_number(probe(box_.path("o.mp4"), "v:0", "duration")).value_or(0), 5, 0.2);
}

TEST_F(Generate, ABrokenOutputOfItIsCaught) {
  start_fake("drop_tail=1;lie", {"--generate-max-seconds", "2"});
  for (const char* seconds : {"4", "2"}) {
    const auto job = box_.wait_end(submit(cat(to(cat("o", seconds, ".mp4")), R"(,"duration":)", seconds)));
    EXPECT_EQ(job.failure_reason, model::FailureReason::kOutputError) << job.error.value_or("");
    EXPECT_FALSE(fs::exists(box_.path(cat("o", seconds, ".mp4"))));
  }
  expect_nothing_left();
}

// contract: F39
TEST_F(Generate, OnlyGeneratedInputsAreSwept) {
  const std::string inputs = box_.worker_dir() + "/work/inputs/";
  const std::string id = "01890000-0000-7000-8000-000000000001";
  write_file(inputs + "input_x.mp4", "the user's");
  write_file(box_.path("elsewhere"), "the user's");
  fs::create_symlink(box_.path("elsewhere"), inputs + "input_" + id + ".mp4");
  write_file(inputs + "input_01890000-0000-7000-8000-000000000002.mp4", "left by a worker that died");
  write_file(inputs + "input_01890000-0000-7000-8000-000000000003.mp4.part", "left by a worker that died");
  start();
  const std::set<std::string> users{"input_x.mp4", "input_" + id + ".mp4"};
  EXPECT_TRUE(eventually([&] { return names_in("inputs") == users; }));
  const auto job = box_.wait_end(submit(R"("duration":1)"));
  EXPECT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  EXPECT_TRUE(eventually([&] { return names_in("inputs") == users; }));
  EXPECT_EQ(read_file(box_.path("elsewhere")), "the user's");
}

TEST_F(Generate, AFullDiskIsToldByName) {
  start_fake("gen_full");
  const auto job = box_.wait_end(submit(cat(to("o.mp4"), R"(,"duration":1)")));
  EXPECT_EQ(job.status, model::JobState::kFailed);
  EXPECT_EQ(job.failure_reason, model::FailureReason::kPlatformError);
  EXPECT_EQ(job.error, "input generation: av_interleaved_write_frame(): No space left on device")
      << job.error.value_or("");
  expect_nothing_left();
}

TEST_F(Generate, TooLargeAnInputIsToldByName) {
  start();
  // 1 MiB of noise is not a second of it.
  const auto job = box_.wait_end(submit(cat(to("o.mp4"), R"(,"duration":60,"resolution":"1280x720","max_disk_mb":1)")));
  EXPECT_EQ(job.failure_reason, model::FailureReason::kResourceError) << job.error.value_or("");
  EXPECT_EQ(job.error, "input generation: max_disk_mb exceeded");
  expect_nothing_left();
}

// As of a disk that was full for a moment: ffmpeg does not always say so by its exit code.
TEST_F(Generate, AnInputThatIsNotWholeIsNotTheJobsFault) {
  start_fake("gen_cut=5000");
  const auto job = box_.wait_end(submit(cat(to("o.mp4"), R"(,"duration":1)")));
  EXPECT_EQ(job.failure_reason, model::FailureReason::kPlatformError) << job.error.value_or("");
  EXPECT_TRUE(job.error.value_or("").starts_with("input: ")) << job.error.value_or("");
  EXPECT_FALSE(fs::exists(box_.path("o.mp4")));
  set_fake_behaviour(program_, "");
  const auto wrong = box_.wait_end(submit(cat(to("p.mp4"), R"(,"duration":1,"streams":["a:7"])")));
  EXPECT_EQ(wrong.failure_reason, model::FailureReason::kInputError) << wrong.error.value_or("");
  expect_nothing_left();
}

TEST_F(Generate, AHangIsToldByName) {
  start_fake("gen_hang", {"--stall-timeout", "2s"});
  const auto job = box_.wait_end(submit(cat(to("o.mp4"), R"(,"duration":1)")));
  EXPECT_EQ(job.status, model::JobState::kFailed);
  EXPECT_EQ(job.failure_reason, model::FailureReason::kPlatformError);
  EXPECT_EQ(job.error, "input generation: stalled: no progress and no CPU time for 2s");
  expect_nothing_left();
}

TEST_F(Generate, ItHasAMinuteAtLeastAndNoMore) {
  start_fake("gen_busy");
  const auto begun = std::chrono::steady_clock::now();
  const auto number = submit(cat(to("o.mp4"), R"(,"duration":1)"));
  if (!all()) {  // that the supervisor was told so; else that it comes
    ASSERT_TRUE(eventually([this] { return box_.engine_processes().size() >= 2; }));
    const auto attempt = *fs::directory_iterator(box_.worker_dir() + "/attempts");
    EXPECT_NE(read_file(attempt.path() / "plan.json").find(R"("deadline_ms":60000,)"), std::string::npos);
    EXPECT_EQ(box_.http("POST", cat("/api/v1/jobs/", number, "/cancel"), R"({"grace_seconds":1})").status, 202);
    box_.wait_end(number);
    return;
  }
  const auto job = box_.wait_end(number, 90s);
  EXPECT_EQ(job.error, "input generation: not done after 1m");
  EXPECT_EQ(job.failure_reason, model::FailureReason::kPlatformError);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 60s);
}

TEST_F(Generate, TheJobsOwnTimeoutHoldsForItAsWell) {
  start_fake("gen_busy");
  const auto job = box_.wait_end(submit(cat(to("o.mp4"), R"(,"duration":1,"timeout_sec":2)")));
  EXPECT_EQ(job.status, model::JobState::kTimedOut) << job.error.value_or("");
  ASSERT_TRUE(job.result);
  EXPECT_EQ(job.result->timeout_cause, model::TimeoutCause::kTimeoutSec);
  expect_nothing_left();
}

TEST_F(Generate, HardwareThatFailsIsFollowedBySoftware) {
  start_fake("nvenc;gen_nvenc_dies");
  const auto job = box_.wait_end(submit(cat(to("o.mp4"), R"(,"duration":1)")));
  ASSERT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  EXPECT_EQ(job.result->input->encoder, "libx264");
  EXPECT_EQ(job.result->encoder->used, "h264_nvenc") << "of the output another start decides";
  EXPECT_EQ(job.attempts->size(), 1U);
  set_fake_behaviour(program_, "nvenc");
  const auto again = box_.wait_end(submit(cat(to("p.mp4"), R"(,"duration":1)")));
  ASSERT_EQ(again.status, model::JobState::kCompleted) << again.error.value_or("");
  EXPECT_EQ(again.result->input->encoder, "h264_nvenc");
  // When software fails too, it is the platform's fault.
  set_fake_behaviour(program_, "nvenc;gen_exit=3");
  const auto failed = box_.wait_end(submit(cat(to("q.mp4"), R"(,"duration":1)")));
  EXPECT_EQ(failed.failure_reason, model::FailureReason::kPlatformError);
  EXPECT_EQ(failed.error, "input generation: gen_exit") << failed.error.value_or("");
  ASSERT_TRUE(failed.result && failed.result->input);
  EXPECT_EQ(failed.result->input->encoder, "libx264");
  EXPECT_EQ(failed.result->exit_code, 3);
  expect_nothing_left();
}

TEST_F(Generate, HardwareThatHangsIsFollowedBySoftware) {
  start_fake("nvenc;gen_nvenc_hangs", {"--stall-timeout", "2s"});
  const auto job = box_.wait_end(submit(cat(to("o.mp4"), R"(,"duration":1)")));
  ASSERT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  EXPECT_EQ(job.result->input->encoder, "libx264");
  expect_nothing_left();
}

TEST_F(Generate, ItIsPartOfTheJobsTreeAndCanBeCanceled) {
  start_fake("gen_hang");
  const auto number = submit(cat(to("o.mp4"), R"(,"duration":1)"));
  box_.wait_for(number, [](const api::Job& job) {
    return job.progress && job.progress->phase == model::Phase::kPreparing && job.status == model::JobState::kRunning;
  });
  ASSERT_TRUE(eventually([this] { return names_in("inputs").size() == 1; }));
  EXPECT_TRUE(names_in("inputs").begin()->ends_with(".mp4.part"));
  ASSERT_TRUE(eventually([this] { return box_.engine_processes().size() >= 2; }));
  EXPECT_EQ(box_.http("POST", cat("/api/v1/jobs/", number, "/cancel"), R"({"grace_seconds":1})").status, 202);
  EXPECT_TRUE(eventually([this] { return box_.engine_processes().empty(); }, 3s)) << "2 s and the grace";
  EXPECT_EQ(box_.wait_end(number, 5s).status, model::JobState::kCanceled);
  expect_nothing_left();
}

TEST_F(Generate, ItIsPausedAndGoesOn) {
  start_fake("gen_slow=1.5");
  const auto number = submit(cat(to("o.mp4"), R"(,"duration":1)"));
  ASSERT_TRUE(eventually([this] { return names_in("inputs").size() == 1; }));
  box_.wait_for(number, [](const api::Job& job) { return job.status == model::JobState::kRunning; });
  EXPECT_EQ(box_.http("POST", cat("/api/v1/jobs/", number, "/pause")).status, 202);
  box_.wait_for(number, [](const api::Job& job) { return job.status == model::JobState::kPaused; });
  const std::string part = box_.worker_dir() + "/work/inputs/" + *names_in("inputs").begin();
  std::this_thread::sleep_for(2500ms);
  ASSERT_TRUE(part.ends_with(".part"));
  EXPECT_EQ(fs::file_size(part), 0U);
  EXPECT_EQ(box_.http("POST", cat("/api/v1/jobs/", number, "/resume")).status, 202);
  EXPECT_EQ(box_.wait_end(number).status, model::JobState::kCompleted);
}

TEST_F(Generate, AWorkerThatIsStoppedGivesTheJobBack) {
  start_fake("gen_hang");
  const auto number = submit(cat(to("o.mp4"), R"(,"duration":1)"));
  ASSERT_TRUE(eventually([this] { return box_.engine_processes().size() >= 2; }));
  box_.worker().send(SIGTERM);
  EXPECT_EQ(box_.worker().wait(20s), 0);
  EXPECT_FALSE(box_.engine_runs());
  EXPECT_EQ(box_.job(number).status, model::JobState::kQueued);
  EXPECT_TRUE(names_in("inputs").empty());
}

TEST_F(Generate, AWorkerThatDiesOverItBeginsAnew) {
  start_fake("gen_hang");
  const auto number = submit(cat(to("o.mp4"), R"(,"duration":1)"));
  ASSERT_TRUE(eventually([this] { return box_.engine_processes().size() >= 2; }));
  box_.worker().send(SIGKILL);
  ASSERT_NE(box_.worker().wait(5s), -1);
  set_fake_behaviour(program_, "");
  box_.start_worker("w1", {"--ffmpeg", program_});
  const auto job = box_.wait_end(number);
  EXPECT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  EXPECT_EQ(job.attempts->size(), 1U) << "the same attempt goes on";
  expect_nothing_left();
}

TEST_F(Generate, AWorkerThatDiesOverTheEncodeLeavesNoInput) {
  start_fake("frames=15;fps=15;slow=4;real");
  const auto number = submit(cat(to("o.mp4"), R"(,"duration":1)"));
  box_.wait_for(number, [](const api::Job& job) { return job.progress && job.progress->frame.value_or(0) > 0; });
  box_.worker().send(SIGKILL);
  ASSERT_NE(box_.worker().wait(5s), -1);
  EXPECT_EQ(names_in("inputs").size(), 1U);
  box_.start_worker("w1", {"--ffmpeg", program_});
  const auto job = box_.wait_end(number);
  EXPECT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  EXPECT_TRUE(job.result->input->generated);
  EXPECT_EQ(job.attempts->size(), 1U);
  expect_nothing_left();
}

TEST_F(Generate, AWorkerThatMakesNoneIsNotGivenSuchAJob) {
  start({"--generate-input=false"});
  const auto refused = box_.http("POST", "/api/v1/jobs", R"({"scenario":"x","parameters":{}})");
  EXPECT_EQ(refused.status, 422) << refused.body;
  EXPECT_NE(refused.body.find("no node generates inputs"), std::string::npos) << refused.body;
  EXPECT_NE(refused.body.find(R"("field":"parameters.input")"), std::string::npos) << refused.body;
  box_.start_worker("w2");
  box_.wait_for_nodes(2);
  for (int i = 0; i < 4; ++i) {
    const auto job = box_.wait_end(submit(R"("duration":0.5)"));
    EXPECT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
    EXPECT_EQ(job.node_name, "w2");
  }
}

}  // namespace
}  // namespace ffrtmp::test
