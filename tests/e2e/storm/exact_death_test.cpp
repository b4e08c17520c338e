// Deaths at moments that once cost an output or left something behind; each is one call of kill_at.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "api/codec.h"
#include "base/text.h"
#include "tests/e2e/box.h"
#include "tests/support/fake_ffmpeg.h"

namespace ffrtmp::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using model::JobState;

// Traces PID on its own; wait() gives 0 once the victim is dead.
Process kill_at(Box& box, pid_t pid, const Arguments& where) {
  Arguments argv{FFRTMP_KILL_AT, cat(pid)};
  argv.insert(argv.end(), where.begin(), where.end());
  argv.emplace_back("30");
  fs::remove(box.path("kill_at.log"));
  Process killer(argv, box.path("kill_at.log"));
  EXPECT_TRUE(eventually([&] { return read_file(box.path("kill_at.log")).find("armed") != std::string::npos; }, 10s));
  return killer;
}

bool no_attempts(const Box& box) { return fs::is_empty(box.worker_dir() + "/attempts"); }

// The result was accepted, the worker died before it knew or before it had tidied up.
TEST(ExactDeath, AWorkerThatDiesBehindItsResultLeavesTheOutput) {
  Box box;
  box.start_master();
  for (const char* call : {"unlinkat", "unlink", "rmdir"}) {
    SCOPED_TRACE(call);
    box.start_worker();
    box.wait_for_nodes(1);
    const std::string output = box.path(cat(call, ".mp4"));
    write_file(output, "a file that may be replaced");
    Process killer = kill_at(box, box.worker().pid(), {"self", "renameat2", call, "1", "enter"});
    const auto number = box.submit(box.clip(1), output, ",\"overwrite\":true");
    EXPECT_EQ(killer.wait(30s), 0);
    EXPECT_EQ(box.worker().wait(5s), 128 + SIGKILL);
    EXPECT_EQ(box.wait_end(number).status, JobState::kCompleted);
    box.start_worker();
    EXPECT_TRUE(eventually([&] { return no_attempts(box); }, 30s));
    EXPECT_TRUE(fs::exists(output));
    EXPECT_GT(fs::file_size(output), 1000U);
    box.worker().send(SIGTERM);
    EXPECT_EQ(box.worker().wait(20s), 0);
  }
}

// The result was committed, the answer never left; the next master says that the attempt is not current, and dies too
// before it answers.
TEST(ExactDeath, MastersThatDieBeforeTheirAnswerToAResultCostNoOutput) {
  Box box;
  box.start_master({"--tls", "false"});
  box.start_worker();
  box.wait_for_nodes(1);
  const Arguments before_the_answer{"self", "recvfrom:/result ", "sendto", "1", "enter"};
  Process first = kill_at(box, box.master().pid(), before_the_answer);
  const auto number = box.submit(box.clip(1), box.path("o.mp4"));
  EXPECT_EQ(first.wait(30s), 0);
  EXPECT_EQ(box.master().wait(5s), 128 + SIGKILL);
  box.worker().send(SIGSTOP);  // until the next killer is armed
  box.start_master({"--tls", "false"});
  Process second = kill_at(box, box.master().pid(), before_the_answer);
  box.worker().send(SIGCONT);
  EXPECT_EQ(second.wait(30s), 0);
  EXPECT_EQ(box.master().wait(5s), 128 + SIGKILL);
  box.start_master({"--tls", "false"});
  EXPECT_EQ(box.wait_end(number).status, JobState::kCompleted);
  EXPECT_TRUE(eventually([&] { return no_attempts(box); }, 30s));
  EXPECT_TRUE(fs::exists(box.path("o.mp4")));
}

TEST(ExactDeath, ASubmitWhoseAnswerWasLostIsOneJob) {
  Box box;
  box.start_master({"--tls", "false"});
  const std::string body =
      cat(R"({"scenario":"s","parameters":{"input":")", box.clip(1), R"(","output":")", box.path("o.mp4"), "\"}}");
  const std::vector<std::pair<std::string, std::string>> key{{"idempotency-key", "once"}};
  Process killer = kill_at(box, box.master().pid(), {"self", "recvfrom:POST /api/v1/jobs ", "sendto", "1", "enter"});
  EXPECT_EQ(box.http("POST", "/api/v1/jobs", body, key).status, 0);
  EXPECT_EQ(killer.wait(30s), 0);
  EXPECT_EQ(box.master().wait(5s), 128 + SIGKILL);
  box.start_master({"--tls", "false"});
  EXPECT_EQ(box.http("POST", "/api/v1/jobs", body, key).status, 200);
  const auto jobs = api::decode<api::JobList>(box.http("GET", "/api/v1/jobs").body);
  ASSERT_TRUE(jobs);
  EXPECT_EQ(jobs->jobs.size(), 1U);
}

TEST(ExactDeath, AWorkerThatMayNotSendItsResultStopsAndSendsItAtItsNextStart) {
  Box box;
  box.start_master();
  const std::string program = install_fake_ffmpeg(box.path("bin"), "frames=30;slow=2;real");
  box.start_worker("w1", {"--ffmpeg", program});
  const auto number = box.submit(box.clip(1), box.path("o.mp4"));
  box.wait_for(number, [](const api::Job& job) { return job.status == JobState::kRunning; });
  box.master().send(SIGKILL);
  ASSERT_EQ(box.master().wait(5s), 128 + SIGKILL);
  ASSERT_TRUE(eventually(
      [&] {
        for (const auto& entry : fs::directory_iterator(box.worker_dir() + "/attempts"))
          if (fs::exists(entry.path() / "result.json")) return true;
        return false;
      },
      20s));
  box.worker().send(SIGTERM);
  EXPECT_EQ(box.worker().wait(20s), 0);
  box.start_master();
  box.start_worker("w1", {"--ffmpeg", program});
  const auto job = box.wait_end(number);
  EXPECT_EQ(job.status, JobState::kCompleted) << job.error.value_or("");
  EXPECT_EQ(job.attempts->size(), 1U);
}

// A former attempt's file is copied; a death over the copy leaves nothing of it.
TEST(ExactDeath, ACopyThatIsCutShortIsSweptAtTheNextStart) {
  Box box;
  box.start_master();
  box.start_worker();
  box.wait_for_nodes(1);
  Process first = kill_at(box, box.worker().pid(), {"self", "-", "renameat2", "1", "exit"});
  const auto number = box.submit(box.clip(1), box.path("o.mp4"), "", ",\"max_retries\":3");
  EXPECT_EQ(first.wait(30s), 0);
  EXPECT_EQ(box.worker().wait(5s), 128 + SIGKILL);
  box.start_worker("w2");
  box.wait_for_nodes(1);
  Process second = kill_at(box, box.worker("w2").pid(), {"self", "-", "copy_file_range", "1", "exit"});
  EXPECT_EQ(second.wait(30s), 0);
  EXPECT_EQ(box.worker("w2").wait(5s), 128 + SIGKILL);
  box.start_worker("w2");
  EXPECT_EQ(box.wait_end(number).status, JobState::kCompleted);
  box.start_worker("w1");
  EXPECT_TRUE(eventually([&] { return no_attempts(box); }, 30s));
  for (const auto& entry : fs::directory_iterator(box.path("")))
    EXPECT_EQ(entry.path().string().find(".part."), std::string::npos) << entry.path();
}

// Pictures that a player finds in an HLS output.
std::string pictures_in(const std::string& playlist) {
  const Ran ran = run_command({"ffprobe", "-v", "error", "-select_streams", "v:0", "-count_packets", "-show_entries",
                               "stream=nb_read_packets", "-of", "csv=p=0", playlist});
  return ran.out.substr(0, ran.out.find('\n'));  // told of the program, and again of the stream
}

std::size_t files_in(const std::string& dir) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(dir), fs::directory_iterator()));
}

// Three segments, then the playlist: the worker dies when so many of them are in place.
// contract: F22, F23
TEST(ExactDeath, AnHlsSetHalfInPlaceIsFinished) {
  Box box;
  box.start_master();
  const std::string in = box.clip(7);
  for (const char* moved : {"1", "3"}) {
    SCOPED_TRACE(moved);
    box.start_worker();
    box.wait_for_nodes(1);
    Process killer = kill_at(box, box.worker().pid(), {"self", "-", "renameat2", moved, "exit"});
    const std::string dir = box.path(cat("out", moved));
    const auto number = box.submit(in, dir + "/film.m3u8", ",\"output_mode\":\"hls\"");
    EXPECT_EQ(killer.wait(30s), 0);
    EXPECT_EQ(box.worker().wait(5s), 128 + SIGKILL);
    EXPECT_FALSE(fs::exists(dir + "/film.m3u8")) << "the playlist goes last";
    box.start_worker();
    const auto job = box.wait_end(number);
    EXPECT_EQ(job.status, JobState::kCompleted) << job.error.value_or("");
    EXPECT_EQ(job.attempts->size(), 1U);
    EXPECT_TRUE(eventually([&] { return no_attempts(box); }, 30s));
    EXPECT_EQ(pictures_in(dir + "/film.m3u8"), "210");
    EXPECT_EQ(files_in(dir), 4U);
    box.worker().send(SIGTERM);
    EXPECT_EQ(box.worker().wait(20s), 0);
  }
}

// The first attempt published and died; the second takes the set over without a second encode.
// contract: F22
TEST(ExactDeath, AnHlsSetThatStandsThereIsTakenOver) {
  Box box;
  box.start_master();
  box.start_worker();
  box.wait_for_nodes(1);
  Process first = kill_at(box, box.worker().pid(), {"self", "-", "renameat2", "4", "exit"});
  const auto number = box.submit(box.clip(7), box.path("out/film.m3u8"), ",\"output_mode\":\"hls\"");
  EXPECT_EQ(first.wait(30s), 0);
  EXPECT_EQ(box.worker().wait(5s), 128 + SIGKILL);
  EXPECT_EQ(pictures_in(box.path("out/film.m3u8")), "210");
  box.start_worker("w2");
  const auto job = box.wait_end(number);
  ASSERT_EQ(job.status, JobState::kCompleted) << job.error.value_or("");
  EXPECT_EQ(job.attempts->size(), 2U);
  ASSERT_TRUE(job.result);
  EXPECT_TRUE(job.result->command.empty()) << "nothing was encoded";
  box.start_worker("w1");  // hears that its set is stale
  EXPECT_TRUE(eventually([&] { return no_attempts(box); }, 30s));
  EXPECT_TRUE(eventually([&] { return files_in(box.path("out")) == 4; }, 10s)) << files_in(box.path("out"));
  EXPECT_EQ(pictures_in(box.path("out/film.m3u8")), "210");
}

}  // namespace
}  // namespace ffrtmp::test
