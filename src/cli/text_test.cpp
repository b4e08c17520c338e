// What people read.
#include <gtest/gtest.h>

#include "cli/job_text.h"
#include "cli/log_follower.h"
#include "cli/submit_body.h"
#include "cli/table_text.h"
#include "json/json.h"
#include "tests/support/manual_clock.h"

namespace ffrtmp::cli {
namespace {

api::Job running_job() {
  api::Job job;
  job.sequence_number = 12;
  job.scenario = "720p30-h264";
  job.status = model::JobState::kRunning;
  job.created_at = test::ManualClock().now().utc;
  model::Progress progress;
  progress.phase = model::Phase::kRunning;
  progress.percent = 47.3;
  progress.frame = 1420;
  progress.fps = 98.25;
  progress.speed = 3.3;
  progress.out_time_ms = 47'300;
  job.progress = progress;
  return job;
}

TEST(Table, ColumnsAreAlignedAndLinesStayLines) {
  EXPECT_EQ(format_table({"Job #", "Name"}, {{"1", "a\x1b[31m\nb"}, {"1000000", "é"}}),
            "Job #    Name\n"
            "1        a [31m b\n"
            "1000000  é\n");
  EXPECT_EQ(format_pairs({{"Job", "1"}, {"Failure", ""}, {"Average fps", "30"}}),
            "Job:          1\nAverage fps:  30\n");
}

TEST(JobText, ListHasTheContractsColumns) {
  EXPECT_EQ(jobs_table({running_job()}),
            "Job #  Scenario     Status   Progress  Node  Failure  Created\n"
            "12     720p30-h264  running  47.3%     -     -        2026-01-07T00:00:00Z\n");
}

TEST(JobText, TheBarShowsWhatIsKnown) {
  api::Job job = running_job();
  // 47.3 s of 100 s are done at 3.3x: 52.7 / 3.3 = 16 s to go.
  EXPECT_EQ(progress_bar(job), "[##############----------------] 47.3%  frame 1420  fps 98.2  speed 3.30x  ETA 0:16");
  EXPECT_EQ(progress_line(job), "job 12: running 47.3%  frame 1420  fps 98.2  speed 3.30x  ETA 0:16");
  job.progress->percent.reset();
  EXPECT_EQ(progress_bar(job), "[------------------------------] running  frame 1420  fps 98.2  speed 3.30x");
  job.status = model::JobState::kQueued;
  EXPECT_EQ(progress_bar(job), "[------------------------------] queued");
}

TEST(JobText, OutcomeOfAGoodAndABadEnd) {
  api::Job job = running_job();
  job.status = model::JobState::kCompleted;
  job.result.emplace();
  job.result->encoder = model::EncoderUsed{"h264", "libx264", false, std::nullopt};
  job.result->stats.emplace();
  job.result->stats->avg_fps = 97.5;
  job.result->stats->speed = 3.25;
  job.result->output.emplace();
  job.result->output->path = "/media/b.mp4";
  job.result->output->size_bytes = 1536;
  job.result->output->duration_seconds = 60;
  job.result->output->verified = true;
  job.result->output->verify_level = "sample";
  EXPECT_EQ(
      outcome_pairs(job),
      "Job:          12\nStatus:       completed\nEncoder:      libx264\nAverage fps:  97.5\nSpeed:        3.25x\n"
      "Duration:     60.00 s\nOutput:       /media/b.mp4\nSize:         1.5 KiB\nVerified:     sample: good\n");
  job.status = model::JobState::kFailed;
  job.failure_reason = model::FailureReason::kOutputError;
  job.error = "video ends at 58.0 s of 60.0 s";
  job.result->output->verified = false;
  job.result->stats.reset();
  EXPECT_EQ(
      outcome_pairs(job),
      "Job:       12\nStatus:    failed\nEncoder:   libx264\nDuration:  60.00 s\nOutput:    /media/b.mp4\n"
      "Size:      1.5 KiB\nVerified:  sample: failed\nFailure:   output_error\nError:     video ends at 58.0 s of 60.0 s\n");
}

TEST(JobText, SlaReportHasATotal) {
  api::SlaReport report;
  report.groups = {{"720p30-h264", 5, 3, 1, 0, 1, 0.75}};
  report.total = {"total", 5, 3, 1, 0, 1, 0.75};
  EXPECT_EQ(sla_table(report),
            "scenario     Jobs  Compliant  Violation  Undetermined  Not counted  Rate\n"
            "720p30-h264  5     3          1          0             1            75.00%\n"
            "total        5     3          1          0             1            75.00%\n");
}

TEST(JobText, TellsLimitsThatAreNotInForce) {
  api::Job job = running_job();
  job.result.emplace();
  job.result->limits = {{"memory_limit", "applied", "536870912", std::nullopt, std::nullopt},
                        {"pids_max", "unsupported", "", std::nullopt, "no pids controller"}};
  const std::string text = job_pairs(job);
  EXPECT_EQ(text.find("memory_limit"), std::string::npos) << text;
  EXPECT_NE(text.find("pids_max unsupported: no pids controller\n"), std::string::npos) << text;
}

TEST(Log, LastLines) {
  EXPECT_EQ(last_lines("a\nb\nc\n", 2), "b\nc\n");
  EXPECT_EQ(last_lines("a\nb\nc", 2), "b\nc");
  EXPECT_EQ(last_lines("a\nb\n", 9), "a\nb\n");
  EXPECT_EQ(last_lines("a\n\n\n", 2), "\n\n");
  EXPECT_EQ(last_lines("", 2), "");
  EXPECT_EQ(last_lines("a\n", 0), "");
}

TEST(SubmitBody, FlagsBecomeFields) {
  Invocation invocation;
  invocation.flags = {{"scenario", {"720p30-h264"}},
                      {"max-retries", {"0"}},
                      {"timeout-sec", {"soon"}},
                      {"min-threads", {"4"}},
                      {"label", {"zone=a"}},
                      {"param", {"input=a.mkv", "output=../b.mp4", "crf=23", "streams=v:0", "streams=a"}}};
  const auto body = make_submit_body(invocation, "/home/me/clips");
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(
      *body,
      R"({"constraints":{"labels":{"zone":"a"},"min_threads":4},"max_retries":0,)"
      R"("parameters":{"crf":"23","input":"/home/me/clips/a.mkv","output":"/home/me/b.mp4","streams":["v:0","a"]},)"
      R"("resource_limits":{"timeout_sec":"soon"},"scenario":"720p30-h264"})");
}

TEST(SubmitBody, OnlyRelativePathsAreCompleted) {
  EXPECT_EQ(absolute_path("a.mkv", "/w"), "/w/a.mkv");
  EXPECT_EQ(absolute_path("./x/../a:b.mkv", "/w"), "/w/a:b.mkv");
  EXPECT_EQ(absolute_path("/a/../b", "/w"), "/a/../b");
  EXPECT_EQ(absolute_path("http://h/a", "/w"), "http://h/a");
  EXPECT_EQ(absolute_path("file:a", "/w"), "file:a");
  EXPECT_EQ(absolute_path("-i", "/w"), "/w/-i");
}

TEST(SubmitBody, AParameterWithoutValueIsAUsageError) {
  Invocation invocation;
  invocation.flags = {{"param", {"input"}}};
  EXPECT_EQ(make_submit_body(invocation, "/w").error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace ffrtmp::cli
