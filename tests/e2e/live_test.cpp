// Live outputs against real peers: nginx with its rtmp module, and ffmpeg as listener for SRT and UDP. The input bears
// marks, a brightness for each second, that have to be found in what was received.
#include <gtest/gtest.h>
#include <signal.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "api/codec.h"
#include "base/text.h"
#include "sys/file_io.h"
#include "sys/proc_fs.h"
#include "tests/e2e/rtmp_server.h"

namespace ffrtmp::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr int kFps = 30;

// A live attempt is ended at its fence: on a busy machine it shall not be by accident.
const Arguments kPatient{"--lease", "30s", "--node-timeout", "30s"};

bool is_running(const api::Job& job) { return job.status == model::JobState::kRunning; }

// The mark of a second, as luma; no order that a counter or a test card has.
int mark_of(int second) { return 40 + 37 * second % 180; }

// With sound in mono at 44.1 kHz, which has to arrive as something else.
std::string marked_clip(const Box& box, int seconds) {
  const std::string path = box.path("marked.mp4");
  const Ran made = run_command({"ffmpeg",
                                "-nostdin",
                                "-v",
                                "error",
                                "-y",
                                "-f",
                                "lavfi",
                                "-i",
                                cat("nullsrc=size=160x90:rate=", kFps, ":duration=", seconds),
                                "-f",
                                "lavfi",
                                "-i",
                                cat("sine=frequency=1000:sample_rate=44100:duration=", seconds),
                                "-vf",
                                "geq=lum='40+mod(37*floor(T),180)':cb=128:cr=128",
                                "-c:v",
                                "libx264",
                                "-preset",
                                "ultrafast",
                                "-crf",
                                "10",
                                "-pix_fmt",
                                "yuv420p",
                                "-c:a",
                                "aac",
                                path});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  return path;
}

// Of every decoded picture, as coded: a stream that is tagged with its range is not stretched.
std::vector<int> brightness_of(const std::string& path) {
  const Ran ran =
      run_command({"ffmpeg", "-nostdin", "-v", "error", "-i", path, "-an", "-vf", "extractplanes=y,scale=1:1:in_range=full:out_range=full",
                   "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-"});
  std::vector<int> out;
  for (const char c : ran.out) out.push_back(static_cast<unsigned char>(c));
  return out;
}

// How many of the pictures are those of the input at their place; `missing` may be lost at the start.
void expect_marks(const std::string& path, int seconds, int missing = 0) {
  const std::vector<int> found = brightness_of(path);
  const int lost = seconds * kFps - static_cast<int>(found.size());
  ASSERT_GE(lost, 0) << path;
  ASSERT_LE(lost, missing) << path;
  int wrong = 0;
  for (std::size_t i = 0; i < found.size(); ++i)
    wrong += std::abs(found[i] - mark_of((static_cast<int>(i) + lost) / kFps)) > 4;
  EXPECT_EQ(wrong, 0) << "of " << found.size() << " pictures in " << path;
}

std::string probe(const std::string& path, const std::string& select, const std::string& entries) {
  return std::string(trim(run_command({"ffprobe", "-v", "error", "-select_streams", select, "-show_entries", entries,
                                       "-of", "csv=p=0", path})
                              .out));
}

// Distances of key frames in pictures.
std::vector<int> gops_of(const std::string& path) {
  std::vector<int> out;
  int pictures = 0;
  const std::string packets = probe(path, "v:0", "packet=flags");
  for (const std::string_view flags : split(packets, '\n')) {
    if (flags.starts_with('K') && pictures > 0) {
      out.push_back(pictures);
      pictures = 0;
    }
    ++pictures;
  }
  return out;
}

std::int64_t submit(Box& box, const std::string& members) {
  const auto reply = box.http("POST", "/api/v1/jobs", cat(R"({"scenario":"live",)", members, "}"));
  EXPECT_EQ(reply.status, 201) << reply.body;
  const auto job = api::decode<api::Job>(reply.body);
  return job ? job->sequence_number : -1;
}

// Every file beneath `dir` that holds the text.
std::vector<std::string> files_with(const std::string& dir, const std::string& text) {
  std::vector<std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(dir))
    if (entry.is_regular_file() && read_file(entry.path()).find(text) != std::string::npos) out.push_back(entry.path());
  return out;
}

// contract: F40, F46
TEST(Live, TheRealInputArrivesOverRtmpAndTheKeyIsNowhereToBeRead) {
  constexpr int kSeconds = 6;
  const std::string key = "s3cret-Key_7";
  Box box;
  const RtmpServer server(box.path("nginx"));
  box.start_master(kPatient);
  box.start_worker("w1", {"--allow-output", cat("rtmp://127.0.0.1:", server.port())});
  box.wait_for_nodes(1);
  const std::string in = marked_clip(box, kSeconds);
  const auto number =
      submit(box, cat(R"("parameters":{"output_mode":"rtmp","input":")", in, R"(","rtmp_url":"rtmp://127.0.0.1:)",
                      server.port(), R"(/live","stream_key":")", key, R"(","bitrate":"800k","preset":"ultrafast"})"));
  box.wait_for(number, is_running);
  std::string process_list;
  for (const pid_t pid : box.engine_processes())
    process_list += sys::read_text(cat("/proc/", pid, "/cmdline")).value_or("") +
                    sys::read_text(cat("/proc/", pid, "/environ")).value_or("");
  EXPECT_NE(process_list.find("/live"), std::string::npos);
  EXPECT_EQ(process_list.find(key), std::string::npos);
  const auto job = box.wait_end(number);
  ASSERT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  ASSERT_TRUE(job.result && job.result->stats && job.result->output && job.result->engine);
  EXPECT_GE(job.result->stats->run_seconds.value_or(0), 0.9 * kSeconds) << "at the pace at which it is watched";
  EXPECT_EQ(job.result->output->path, cat("rtmp://127.0.0.1:", server.port(), "/live/***"));
  EXPECT_EQ(job.result->engine->reason, "Streaming output mode but GStreamer not available, using FFmpeg");
  const std::string received = server.recording(key);
  expect_marks(received, kSeconds);
  EXPECT_EQ(gops_of(received), (std::vector<int>{2 * kFps, 2 * kFps}));
  EXPECT_EQ(probe(received, "a:0", "stream=codec_name,sample_rate,channels"), "aac,48000,2");
  // Neither the API nor the log nor what is stored.
  EXPECT_EQ(box.http("GET", cat("/api/v1/jobs/", number)).body.find(key), std::string::npos);
  EXPECT_EQ(box.http("GET", cat("/api/v1/jobs/", number, "/logs")).body.find(key), std::string::npos);
  EXPECT_TRUE(eventually([&] { return fs::is_empty(box.path("w1/attempts")); }, 5s));
  for (const char* place : {"master", "w1"}) EXPECT_EQ(files_with(box.path(place), key), std::vector<std::string>{});
}

// contract: F40
TEST(Live, TheRealInputArrivesByGstreamer) {
  constexpr int kSeconds = 6;
  Box box;
  const RtmpServer server(box.path("nginx"));
  box.start_master(kPatient);
  box.start_worker("w1", {"--allow-output", cat("rtmp://127.0.0.1:", server.port()), "--gst-launch", "gst-launch-1.0"});
  box.wait_for_nodes(1);
  const std::string in = marked_clip(box, kSeconds);
  const auto number =
      submit(box, cat(R"("queue":"live","parameters":{"output_mode":"rtmp","input":")", in, R"(","rtmp_url":"rtmp://127.0.0.1:)",
                      server.port(), R"(/live/by-gst","bitrate":"800k","preset":"ultrafast"})"));
  const auto job = box.wait_end(number);
  ASSERT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  ASSERT_TRUE(job.result && job.result->stats && job.result->output && job.result->engine);
  EXPECT_EQ(job.result->engine->used, "gstreamer");
  EXPECT_EQ(job.result->engine->reason, "LIVE queue job - GStreamer preferred for low-latency streaming");
  EXPECT_GE(job.result->stats->run_seconds.value_or(0), 0.9 * kSeconds) << "at the pace at which it is watched";
  EXPECT_NEAR(job.result->output->duration_seconds.value_or(0), kSeconds, 0.1);
  const std::string received = server.recording("by-gst");
  expect_marks(received, kSeconds);
  EXPECT_EQ(gops_of(received), (std::vector<int>{2 * kFps, 2 * kFps}));
  EXPECT_EQ(probe(received, "a:0", "stream=codec_name,sample_rate,channels"), "aac,48000,2");
}

// A gst-launch-1.0 that passes its trial; then `script` runs in its place ("$@" is the pipeline).
std::string install_fake_gst(const Box& box, const std::string& script) {
  const std::string program = box.path("gst/gst-launch-1.0");
  fs::create_directories(box.path("gst"));
  if (!fs::exists(box.path("gst/gst-inspect-1.0")))
    fs::create_symlink("/usr/bin/gst-inspect-1.0", box.path("gst/gst-inspect-1.0"));
  write_file(program,
             cat("#!/bin/sh\ncase \"$*\" in *videotestsrc*|--version) exec gst-launch-1.0 \"$@\";; esac\n", script));
  fs::permissions(program, fs::perms::owner_all);
  return program;
}

// A master, and a worker with that gst-launch-1.0 which may send to `server`.
void start_with_fake_gst(Box& box, const RtmpServer& server) {
  box.start_master(kPatient);
  box.start_worker("w1", {"--allow-output", cat("rtmp://127.0.0.1:", server.port()), "--gst-launch",
                          install_fake_gst(box, "exit 1\n"), "--stall-timeout", "4s"});
  box.wait_for_nodes(1);
}

// contract: F40
TEST(Live, APipelineThatBreaksIsFollowedByFfmpeg) {
  constexpr int kSeconds = 4;
  const struct {
    const char* name;
    const char* script;
    const char* said;
  } cases[] = {
      {"missing", "echo 'WARNING: erroneous pipeline: no element \"rtmp2sink\"' >&2; exit 1\n",
       "no element \"rtmp2sink\""},
      {"hung",
       "echo 'ERROR: from element /GstPipeline:pipeline0/GstX264Enc:x264enc0: Internal data stream error.' >&2\n"
       "exec sleep 1000\n",
       "stalled"},
      {"crashed", "kill -SEGV $$\n", "ended by signal 11"},
  };
  Box box;
  const RtmpServer server(box.path("nginx"));
  start_with_fake_gst(box, server);
  const std::string in = marked_clip(box, kSeconds);
  for (const auto& one : cases) {
    install_fake_gst(box, one.script);
    const auto number =
        submit(box, cat(R"("queue":"live","max_retries":0,"parameters":{"output_mode":"rtmp","input":")", in,
                        R"(","rtmp_url":"rtmp://127.0.0.1:)", server.port(), "/live/", one.name,
                        R"(","bitrate":"800k","preset":"ultrafast"})"));
    const auto job = box.wait_end(number);
    ASSERT_EQ(job.status, model::JobState::kCompleted) << one.name << ": " << job.error.value_or("");
    EXPECT_EQ(job.attempts->size(), 1U);
    ASSERT_TRUE(job.result && job.result->engine && job.result->encoder);
    EXPECT_EQ(job.result->engine->used, "ffmpeg");
    EXPECT_TRUE(job.result->engine->reason.starts_with("GStreamer failed, falling back to FFmpeg: "))
        << job.result->engine->reason;
    EXPECT_NE(job.result->engine->reason.find(one.said), std::string::npos) << job.result->engine->reason;
    EXPECT_EQ(job.result->encoder->used, "libx264");
    EXPECT_FALSE(job.result->encoder->fallback) << "no encoder broke";
    expect_marks(server.recording(one.name), kSeconds);
    const auto log = api::decode<api::LogPage>(box.http("GET", cat("/api/v1/jobs/", number, "/logs")).body);
    ASSERT_TRUE(log);
    if (one.name == std::string("missing")) {
      EXPECT_NE(log->data.find(one.said), std::string::npos) << "the words of the engine that broke are kept";
    }
  }
}

TEST(Live, WhereGstreamerIsNamedOrNotToBlameItsFailureIsTheJobs) {
  Box box;
  box.start_master(kPatient);
  box.start_worker("w1", {"--allow-output", "rtmp://127.0.0.1", "--gst-launch", install_fake_gst(box, "exit 1\n")});
  box.wait_for_nodes(1);
  const std::string in = marked_clip(box, 1);
  const auto end_of = [&](const char* engine) {
    return box.wait_end(submit(box, cat(R"("queue":"live","max_retries":0,"engine":")", engine,
                                        R"(","parameters":{"output_mode":"rtmp","input":")", in,
                                        R"(","rtmp_url":"rtmp://127.0.0.1:1/live/x"})")));
  };
  install_fake_gst(box, "echo 'WARNING: erroneous pipeline: no element \"rtmp2sink\"' >&2; exit 1\n");
  const auto named = end_of("gstreamer");
  EXPECT_EQ(named.failure_reason, model::FailureReason::kPlatformError);
  EXPECT_NE(named.error.value_or("").find("no element \"rtmp2sink\""), std::string::npos) << named.error.value_or("");
  ASSERT_TRUE(named.result && named.result->engine);
  EXPECT_EQ(named.result->engine->used, "gstreamer");

  install_fake_gst(
      box,
      "echo 'ERROR: from element /GstPipeline:pipeline0/GstRtmp2Sink:rtmp2sink0: Connection refused' >&2; exit 1\n");
  const auto refused = end_of("auto");
  EXPECT_EQ(refused.failure_reason, model::FailureReason::kNetworkError);
  ASSERT_TRUE(refused.result && refused.result->engine);
  EXPECT_EQ(refused.result->engine->used, "gstreamer") << "another engine would be refused as well";
}

// Who watches would see the beginning again.
TEST(Live, APipelineThatBreaksOnceItSentIsFollowedByNothing) {
  Box box;
  const RtmpServer server(box.path("nginx"));
  start_with_fake_gst(box, server);
  const std::string in = marked_clip(box, 1);
  const std::string picture =
      "echo '/GstPipeline:pipeline0/GstIdentity:frames: last-message = chain   ******* (frames:sink) (83 bytes, dts: "
      "1000:00:00.0, pts: 1000:00:00.0, duration: 0:00:00.033333333, offset: -1)'\n";
  const std::string sound =
      "echo '/GstPipeline:pipeline0/GstIdentity:sound: last-message = chain   ******* (sound:sink) (83 bytes, dts: "
      "none, pts: 0:00:00.0, duration: 0:00:00.020000000, offset: -1)'\n";
  const std::string complaint =
      "echo 'ERROR: from element /GstPipeline:pipeline0/GstX264Enc:x264enc0: Internal data stream error.' >&2\n";
  const struct {
    std::string script;
    model::FailureReason reason;
  } cases[] = {
      {picture + "kill -SEGV $$\n", model::FailureReason::kUnknown},
      {sound + "kill -SEGV $$\n", model::FailureReason::kUnknown},
      {picture + complaint + "exec sleep 1000\n", model::FailureReason::kTimeout},
  };
  for (const auto& one : cases) {
    install_fake_gst(box, one.script);
    const auto job =
        box.wait_end(submit(box, cat(R"("queue":"live","max_retries":0,"parameters":{"output_mode":"rtmp","input":")",
                                     in, R"(","rtmp_url":"rtmp://127.0.0.1:)", server.port(), R"(/live/sent"})")));
    EXPECT_EQ(job.failure_reason, one.reason) << one.script;
    ASSERT_TRUE(job.result && job.result->engine);
    EXPECT_EQ(job.result->engine->used, "gstreamer") << one.script;
  }
}

// contract: F46
TEST(Live, AStreamKeyKeepsGstreamerAway) {
  Box box;
  const RtmpServer server(box.path("nginx"));
  box.start_master(kPatient);
  box.start_worker("w1", {"--allow-output", cat("rtmp://127.0.0.1:", server.port()), "--gst-launch", "gst-launch-1.0"});
  box.wait_for_nodes(1);
  const auto number = submit(
      box, cat(R"("parameters":{"output_mode":"rtmp","input":")", marked_clip(box, 2), R"(","rtmp_url":"rtmp://127.0.0.1:)",
               server.port(), R"(/live","stream_key":"s3cret"})"));
  const auto job = box.wait_end(number);
  ASSERT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  EXPECT_EQ(job.result->engine->reason, "FFmpeg used for a stream key") << "its arguments are read by everybody";
}

TEST(Live, ARefusedConnectionIsTriedAgain) {
  Box box;
  const int port = free_port();
  box.start_master(kPatient);
  box.start_worker("w1", {"--allow-output", "rtmp://127.0.0.1"});
  box.wait_for_nodes(1);
  const auto number =
      box.submit(marked_clip(box, 2), cat("rtmp://127.0.0.1:", port, "/live/again"), R"(,"output_mode":"stream")");
  const auto first = box.wait_for(number, [](const api::Job& job) { return job.status == model::JobState::kRetrying; });
  ASSERT_EQ(first.attempts->size(), 1U);
  EXPECT_EQ(first.attempts->front().result->failure_reason, model::FailureReason::kNetworkError)
      << first.attempts->front().result->error.value_or("");
  const RtmpServer server(box.path("nginx"), port);
  const auto job = box.wait_end(number);
  EXPECT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  EXPECT_EQ(job.attempts->size(), 2U);
  expect_marks(server.recording("again"), 2);
}

// A key may be a word of ffmpeg's: it decides nothing, and is shown to nobody.
TEST(Live, AKeyThatIsAWordOfTheErrorIsHiddenAndTheErrorKnown) {
  Box box;
  box.start_master(kPatient);
  box.start_worker("w1", {"--allow-output", "rtmp://127.0.0.1"});
  box.wait_for_nodes(1);
  const auto job = box.wait_end(box.submit(box.clip(1), cat("rtmp://127.0.0.1:", free_port(), "/live"),
                                           R"(,"output_mode":"rtmp","stream_key":"refused")", R"(,"max_retries":0)"));
  EXPECT_EQ(job.failure_reason, model::FailureReason::kNetworkError) << job.error.value_or("");
  EXPECT_NE(job.error.value_or("").find("Connection ***"), std::string::npos) << job.error.value_or("");
  const auto log = box.http("GET", cat("/api/v1/jobs/", job.sequence_number, "/logs")).body;
  EXPECT_EQ(log.find("refused"), std::string::npos) << log;
  EXPECT_NE(log.find("Connection *******"), std::string::npos) << log;
}

TEST(Live, AConnectionThatBreaksIsANetworkError) {
  Box box;
  RtmpServer server(box.path("nginx"));
  box.start_master(kPatient);
  box.start_worker("w1", {"--allow-output", "rtmp://127.0.0.1"});
  box.wait_for_nodes(1);
  const auto number = box.submit(marked_clip(box, 10), cat("rtmp://127.0.0.1:", server.port(), "/live/broken"),
                                 R"(,"output_mode":"rtmp")", R"(,"max_retries":0)");
  ASSERT_TRUE(eventually([&] { return fs::exists(server.recording("broken")); }, 20s));
  server.kill();
  const auto job = box.wait_end(number);
  EXPECT_EQ(job.status, model::JobState::kFailed);
  EXPECT_EQ(job.failure_reason, model::FailureReason::kNetworkError) << job.error.value_or("");
}

TEST(Live, RtmpsIsVerified) {
  Box box;
  const RtmpServer server(box.path("nginx"), 0, true);
  box.start_master(kPatient);
  const std::string to = cat("rtmps://127.0.0.1:", server.tls_port(), "/live/safe");
  const std::string in = marked_clip(box, 2);
  box.start_worker("w1", {"--allow-output", "rtmps://127.0.0.1"});
  box.wait_for_nodes(1);
  const auto unknown = box.wait_end(box.submit(in, to, R"(,"output_mode":"rtmp")", R"(,"max_retries":0)"));
  EXPECT_EQ(unknown.status, model::JobState::kFailed) << "nobody knows that certificate";
  EXPECT_EQ(unknown.failure_reason, model::FailureReason::kNetworkError) << unknown.error.value_or("");
  EXPECT_FALSE(fs::exists(server.recording("safe")));
  box.worker().send(SIGTERM);
  box.worker().wait(20s);
  box.start_worker("w1", {"--allow-output", "rtmps://127.0.0.1", "--output-ca", server.ca_file()});
  const auto job = box.wait_end(box.submit(in, to, R"(,"output_mode":"rtmp")", R"(,"max_retries":0)"));
  ASSERT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  expect_marks(server.recording("safe"), 2);
}

// What ffmpeg receives on `url` until `job` ends, as a file.
void receive(Box& box, const std::string& listen, const std::string& send, int seconds, int missing) {
  const std::string received = box.path("received.ts");
  Process listener({"ffmpeg", "-nostdin", "-v", "error", "-y", "-i", listen, "-map", "0", "-c", "copy", received},
                   box.path("listener.log"));
  std::this_thread::sleep_for(500ms);
  const auto job =
      box.wait_end(box.submit(marked_clip(box, seconds), send, R"(,"output_mode":"stream")", R"(,"max_retries":0)"));
  ASSERT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  EXPECT_EQ(job.result->output->path, send);
  EXPECT_NE(listener.wait(15s), -1) << "the listener does not hear the end";
  expect_marks(received, seconds, missing);
  EXPECT_EQ(probe(received, "a:0", "stream=codec_name,sample_rate,channels").substr(0, 11), "aac,48000,2");
}

TEST(Live, TheRealInputArrivesOverSrt) {
  Box box;
  const int port = free_port();
  box.start_master(kPatient);
  box.start_worker("w1", {"--allow-output", "srt://127.0.0.1"});
  box.wait_for_nodes(1);
  receive(box, cat("srt://127.0.0.1:", port, "?mode=listener"), cat("srt://127.0.0.1:", port), 4, 0);
}

TEST(Live, TheRealInputArrivesOverUdp) {
  Box box;
  const int port = free_port();
  box.start_master(kPatient);
  box.start_worker("w1", {"--allow-output", cat("udp://127.0.0.1:", port)});
  box.wait_for_nodes(1);
  receive(box, cat("udp://127.0.0.1:", port, "?timeout=3000000"), cat("udp://127.0.0.1:", port, "?pkt_size=1316"), 4,
          0);
}

// contract: F44
TEST(Live, AHostThatIsNotPublicHasToBeListed) {
  Box box;
  box.start_master(kPatient);
  box.start_worker("w1", {"--allow-output", "rtmp://127.0.0.1:1"});
  box.wait_for_nodes(1);
  const std::string in = box.clip(1);
  const auto refused = [&](const std::string& output) {
    const auto reply = box.http("POST", "/api/v1/jobs",
                                cat(R"({"scenario":"x","parameters":{"output_mode":"stream","input":")", in,
                                    R"(","output":")", output, R"("}})"));
    EXPECT_EQ(reply.status, 422) << output << ": " << reply.body;
    const auto body = api::decode<api::ErrorReply>(reply.body);
    return body ? body->error.field.value_or("") : "";
  };
  for (const char* output : {"rtmp://127.0.0.1:2/live/x", "rtmp://localhost/live/x", "rtmp://[::1]/live/x",
                             "rtmps://127.0.0.1:1/live/x", "srt://192.168.1.1:9000", "rtmp://169.254.169.254/latest/x",
                             "udp://8.8.8.8:53", "srt://10.0.0.1:22?mode=caller"})
    EXPECT_EQ(refused(output), "parameters.output") << output;
  // A spelling that only a resolver reads: the worker says no.
  const auto spelt = box.wait_end(box.submit(in, "rtmp://2130706433:2/live/x", R"(,"output_mode":"rtmp")"));
  EXPECT_EQ(spelt.failure_reason, model::FailureReason::kUserError) << spelt.error.value_or("");
}

TEST(Live, WithoutAnAddressTheMastersHostIsSentTo) {
  Box box;
  box.start_master(kPatient);
  box.start_worker();
  const auto job = box.wait_end(
      submit(box, cat(R"("max_retries":0,"parameters":{"output_mode":"rtmp","preset":"ultrafast","input":")",
                      box.clip(1), R"("})")));
  ASSERT_TRUE(job.result && !job.result->command.empty()) << job.error.value_or("");
  EXPECT_EQ(job.result->command.back(), cat("rtmp://127.0.0.1:1935/live/", job.id.str()));
}

// Lease 4 s; the engine has 4 s to end by itself.
// contract: F21
TEST(Live, AStreamWithoutItsMasterIsEndedNotFrozen) {
  Box box;
  const RtmpServer server(box.path("nginx"));
  box.start_master();
  box.start_worker("w1", {"--allow-output", "rtmp://127.0.0.1"});
  box.wait_for_nodes(1);
  const auto number = box.submit(marked_clip(box, 10), cat("rtmp://127.0.0.1:", server.port(), "/live/fenced"),
                                 R"(,"output_mode":"rtmp","duration":10)");
  ASSERT_TRUE(eventually(
      [&] { return fs::exists(server.recording("fenced")) && fs::file_size(server.recording("fenced")) > 0; }, 20s));
  const auto engines = box.engine_processes();
  box.worker().send(SIGSTOP);
  const auto stopped = std::chrono::steady_clock::now();
  const auto lives = [&] {
    for (const pid_t pid : engines)
      if (auto stat = sys::read_stat(sys::Host::real(), pid); stat && stat->comm == "ffmpeg" && stat->state != 'Z')
        return true;
    return false;
  };
  EXPECT_TRUE(lives());
  EXPECT_TRUE(eventually([&] { return !lives(); }, 12s));
  EXPECT_LT(std::chrono::steady_clock::now() - stopped, 7s) << "it did not run to its own end";
  const auto sent = brightness_of(server.recording("fenced"));
  EXPECT_LT(sent.size(), 9U * kFps);
  box.worker().send(SIGCONT);
  const auto job = box.wait_end(number);
  EXPECT_EQ(job.status, model::JobState::kCompleted) << job.error.value_or("");
  EXPECT_EQ(job.attempts->size(), 2U);
}

}  // namespace
}  // namespace ffrtmp::test
