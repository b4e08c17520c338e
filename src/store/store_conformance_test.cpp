// The suite that every store passes: operations one by one.
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "base/fault.h"
#include "model/job_fsm.h"
#include "store/store_test_bed.h"

namespace ffrtmp::store {
namespace {

using model::AttemptState;
using model::FailureReason;
using model::JobState;
using model::ResultStatus;
using Kind = ControlJob::Kind;
using namespace std::chrono_literals;

class StoreConformance : public StoreBed {};
FFRTMP_TEST_ALL_STORES(StoreConformance);

// ---- submit ----

// contract: F1
TEST_P(StoreConformance, AJobIsFoundByItsNumberAndByItsId) {
  std::vector<model::Job> jobs;
  for (int i = 0; i < 200; ++i) jobs.push_back(submit());
  for (const model::Job& job : jobs) {
    EXPECT_EQ(detail(job.sequence_number).view.job.id, job.id);
    const auto by_id = store->job(job.id);
    ASSERT_TRUE(by_id && *by_id);
    EXPECT_EQ((*by_id)->view.job.sequence_number, job.sequence_number);
  }
  EXPECT_EQ(jobs.front().sequence_number, 1);
  EXPECT_EQ(jobs.back().sequence_number, 200);
  const auto missing = store->job(std::int64_t{201});
  ASSERT_TRUE(missing);
  EXPECT_FALSE(*missing);
}

TEST_P(StoreConformance, ANewJobIsQueuedAndItsFirstTransitionRecorded) {
  const JobDetail found = detail(submit().sequence_number);
  const model::Job& job = found.view.job;
  EXPECT_EQ(job.now.status, JobState::kQueued);
  EXPECT_EQ(job.owner, "alice");
  EXPECT_EQ(job.created_at, clock.now().utc);
  EXPECT_EQ(job.now.queued_at, clock.now().utc);
  ASSERT_EQ(found.transitions.size(), 1U);
  EXPECT_EQ(found.transitions[0], (model::Transition{std::nullopt, JobState::kQueued, clock.now().utc, "submitted",
                                                     "key:alice", std::nullopt}));
}

TEST_P(StoreConformance, EverythingAskedForComesBack) {
  Submit command = a_job("libx265");
  command.job.spec.scenario = "1080p60-h265";
  command.job.spec.classification = model::Classification::kProduction;
  command.job.spec.queue = model::Queue::kLive;
  command.job.spec.parameters = {{"crf", Scalars::one("23")}, {"streams", Scalars{{"0:v", "0:a:1"}, true, false}}};
  command.job.spec.resource_limits.timeout_sec = 77;
  command.job.spec.constraints.labels = {{"rack", "b\"7"}};
  command.job.effective.input = "/media/ä b.mkv";
  command.job.effective.fps = 59.94;
  command.job.effective.extra_args = {"-g", "60"};
  command.job.scenario_parsed.height = 1080;
  const model::Job got = detail(submit(command).sequence_number).view.job;
  EXPECT_EQ(got.spec.scenario, "1080p60-h265");
  EXPECT_EQ(got.spec.classification, model::Classification::kProduction);
  EXPECT_EQ(got.spec.queue, model::Queue::kLive);
  EXPECT_EQ(got.spec.parameters, command.job.spec.parameters);
  EXPECT_EQ(got.spec.resource_limits, command.job.spec.resource_limits);
  EXPECT_EQ(got.spec.constraints, command.job.spec.constraints);
  EXPECT_EQ(got.effective, command.job.effective);
  EXPECT_EQ(got.scenario_parsed, command.job.scenario_parsed);
}

// contract: F4
TEST_P(StoreConformance, OneKeyIsOneJobHoweverOftenItComes) {
  std::atomic<int> fresh{0};
  std::mutex mutex;
  std::set<std::int64_t> numbers;
  std::vector<std::thread> threads;
  for (int i = 0; i < 50; ++i)
    threads.emplace_back([&] {
      Submit command = a_job();
      command.idempotency_key = "k";
      command.body_sha256 = "body";
      const auto reply = store->apply_wait(std::move(command));
      ASSERT_TRUE(reply);
      fresh += reply->existing ? 0 : 1;
      const std::lock_guard lock(mutex);
      numbers.insert(reply->job.sequence_number);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(fresh, 1);
  EXPECT_EQ(numbers.size(), 1U);
  EXPECT_EQ((*store->list_jobs({}, {}, 100)).jobs.size(), 1U);

  Submit other = a_job();
  other.idempotency_key = "k";
  other.body_sha256 = "another body";
  EXPECT_TRUE(fails_with(store->apply_wait(other), Errc::kIdempotencyConflict));
  other.job.owner = "bob";
  EXPECT_TRUE(store->apply_wait(other));
}

TEST_P(StoreConformance, AKeyIsForgottenAfterADay) {
  Submit command = a_job();
  command.idempotency_key = "k";
  command.body_sha256 = "one";
  submit(command);
  clock.advance(24h);
  sweep();
  command.job.id = new_id();
  command.body_sha256 = "two";
  const auto reply = store->apply_wait(command);
  ASSERT_TRUE(reply);
  EXPECT_FALSE(reply->existing);
}

// ---- claim ----

TEST_P(StoreConformance, AClaimStartsAnAttempt) {
  const TestNode node = add_node();
  const model::Job job = submit();
  clock.advance(1s);
  const auto granted = claim(node);
  ASSERT_EQ(granted.size(), 1U);
  EXPECT_EQ(granted[0].job.id, job.id);
  EXPECT_EQ(granted[0].attempt.number, 1);
  const JobDetail found = detail(job.sequence_number);
  EXPECT_EQ(found.view.job.now.status, JobState::kAssigned);
  EXPECT_EQ(found.view.job.now.assigned_at, clock.now().utc);
  EXPECT_EQ(found.view.job.now.node_id, node.id);
  EXPECT_EQ(found.view.job.now.attempt_id, granted[0].attempt.id);
  ASSERT_EQ(found.attempts.size(), 1U);
  EXPECT_EQ(found.attempts[0].state, AttemptState::kLive);
  ASSERT_EQ(found.transitions.size(), 2U);
  EXPECT_EQ(found.transitions[1].actor, "node:" + node.id.str());
  EXPECT_EQ(found.transitions[1].attempt_id, granted[0].attempt.id);
}

// contract: F8
TEST_P(StoreConformance, SixtyFourClaimersTakeEachJobOnce) {
  constexpr int kJobs = 2000;
  constexpr int kClaimers = 64;
  for (int i = 0; i < kJobs; ++i) store->apply(a_job(), [](const auto& reply) { ASSERT_TRUE(reply); });
  std::vector<TestNode> nodes;
  for (int i = 0; i < kClaimers; ++i) nodes.push_back(add_node(3));
  std::mutex mutex;
  std::map<std::int64_t, int> times;
  std::vector<std::thread> threads;
  for (const TestNode& node : nodes)
    threads.emplace_back([&, node] {
      while (true) {
        const auto granted = claim(node, 3);
        if (granted.empty()) return;
        for (const auto& one : granted) {
          EXPECT_EQ(finish(node, one.attempt.id, ResultStatus::kCompleted), JobState::kCompleted);
          const std::lock_guard lock(mutex);
          ++times[one.job.sequence_number];
        }
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(times.size(), static_cast<std::size_t>(kJobs));
  for (const auto& [sequence, count] : times) EXPECT_EQ(count, 1) << sequence;
  EXPECT_EQ(*store->count_by_state(), (std::map<JobState, std::int64_t>{{JobState::kCompleted, kJobs}}));
}

// contract: F9
TEST_P(StoreConformance, ARepeatedClaimReturnsTheSameAttempts) {
  const TestNode node = add_node(4);
  for (int i = 0; i < 6; ++i) submit();
  const Claim command{new_id(), node.id, node.instance, 3};
  const auto first = store->apply_wait(command);
  ASSERT_TRUE(first);
  ASSERT_EQ(first->granted.size(), 3U);
  if (GetParam().durable) restart();
  const auto again = store->apply_wait(command);
  ASSERT_TRUE(again);
  ASSERT_EQ(again->granted.size(), 3U);
  const auto pairs = [](const Claim::Reply& reply) {
    std::map<Uuid, Uuid> job_of_attempt;
    for (const auto& one : reply.granted) job_of_attempt[one.attempt.id] = one.job.id;
    return job_of_attempt;
  };
  EXPECT_EQ(pairs(*again), pairs(*first));
  finish(node, first->granted[0].attempt.id, ResultStatus::kCompleted);
  EXPECT_EQ((*store->apply_wait(command)).granted.size(), 2U) << "an ended attempt is not handed out again";
}

TEST_P(StoreConformance, ARepeatedClaimRenewsItsLeases) {
  const TestNode node = add_node();
  submit();
  const Claim command{new_id(), node.id, node.instance, 1};
  const auto first = store->apply_wait(command);
  clock.advance(settings.intervals.lease - 1s);
  ASSERT_EQ((*store->apply_wait(command)).granted.size(), 1U);
  clock.advance(2s);
  EXPECT_EQ(sweep().leases_expired, 0);
}

// contract: F10
TEST_P(StoreConformance, OneClaimFillsTheFreeSlotsByTheMastersCount) {
  const TestNode node = add_node(8);
  for (int i = 0; i < 20; ++i) submit();
  const auto first = claim(node, 64);
  EXPECT_EQ(first.size(), 8U);
  EXPECT_TRUE(claim(node, 8).empty());
  finish(node, first[0].attempt.id, ResultStatus::kCompleted);
  finish(node, first[1].attempt.id, ResultStatus::kCompleted);
  EXPECT_EQ(claim(node, 1).size(), 1U);
  EXPECT_EQ(claim(node, 8).size(), 1U);
}

// contract: F26
TEST_P(StoreConformance, AJobThatNobodyCanRunBlocksNone) {
  const TestNode node = add_node();
  const model::Job unfit = submit(a_job("h264_nvenc"));
  const model::Job fit = submit();
  const auto granted = claim(node);
  ASSERT_EQ(granted.size(), 1U);
  EXPECT_EQ(granted[0].job.id, fit.id);
  EXPECT_EQ(status(unfit.sequence_number), JobState::kQueued);
}

TEST_P(StoreConformance, NewCapabilitiesCountFromTheNextClaim) {
  const TestNode node = add_node();
  submit(a_job("h264_nvenc"));
  EXPECT_TRUE(claim(node).empty());
  RegisterNode again = registration(facts());
  again.node_id = node.id;
  again.facts.encoders.push_back(encoder("h264_nvenc", "h264"));
  ASSERT_TRUE(store->apply_wait(again));
  EXPECT_EQ(claim({node.id, again.instance_id}).size(), 1U);
}

// contract: F28
// A GPU that takes two encodes at once, in a node of five slots.
TEST_P(StoreConformance, EncoderSessionsAreLeased) {
  model::NodeFacts gpu = facts(5);
  model::Encoder nvenc = encoder("h264_nvenc", "h264");
  nvenc.hardware = true;
  nvenc.device = "0";
  nvenc.sessions = 2;
  gpu.encoders.insert(gpu.encoders.begin(), nvenc);
  const TestNode node = add_node(gpu);
  for (int i = 0; i < 3; ++i) submit(a_job("h264_nvenc"));
  submit(a_job("h264"));
  const auto granted = claim(node, 5);
  ASSERT_EQ(granted.size(), 3U);
  const auto names = [&](const Claim::Granted& one) {
    return cat(one.job.sequence_number, " ", one.attempt.session_device.value_or("none"));
  };
  EXPECT_EQ(names(granted[0]), "1 nvidia 0");
  EXPECT_EQ(names(granted[1]), "2 nvidia 0");
  EXPECT_EQ(names(granted[2]), "4 none") << "a codec alone can be made on the CPU; the third of the GPU waits";
  if (GetParam().durable) restart();
  EXPECT_TRUE(claim(node, 5).empty()) << "sessions are counted anew by a master that starts";
  finish(node, granted[2].attempt.id, model::ResultStatus::kCompleted);
  EXPECT_TRUE(claim(node, 5).empty());
  finish(node, granted[0].attempt.id, model::ResultStatus::kCompleted);
  const auto next = claim(node, 5);
  ASSERT_EQ(next.size(), 1U);
  EXPECT_EQ(names(next[0]), "3 nvidia 0");
  submit(a_job("h264"));
  EXPECT_EQ(names(claim(node, 1).at(0)), "5 none");
  finish(node, next[0].attempt.id, model::ResultStatus::kCompleted);
  submit(a_job("h264"));
  EXPECT_EQ(names(claim(node, 1).at(0)), "6 nvidia 0") << "whoever comes first, named or not";
}

TEST_P(StoreConformance, OldAndLowMeetsNewAndHighAfterFortyMinutes) {
  const auto run = [&](std::chrono::minutes age) {
    Submit low = a_job();
    low.job.spec.queue = model::Queue::kBatch;
    low.job.spec.priority = model::Priority::kLow;
    const auto old_one = submit(low).sequence_number;
    clock.advance(age);
    Submit high = a_job();
    high.job.spec.queue = model::Queue::kLive;
    high.job.spec.priority = model::Priority::kHigh;
    submit(high);
    const TestNode node = add_node(2);
    const auto granted = claim(node, 2);
    EXPECT_EQ(granted.size(), 2U);
    return granted[0].job.sequence_number == old_one;
  };
  EXPECT_TRUE(run(41min));
  EXPECT_FALSE(run(39min));
}

TEST_P(StoreConformance, TheBestHeadOfSeveralClassesGoesFirst) {
  model::NodeFacts able = facts(4);
  able.encoders.push_back(encoder("libx265", "hevc"));
  const TestNode node = add_node(able);
  std::vector<std::int64_t> expected;
  for (const char* codec : {"h265", "h264", "hevc", "copy"}) {
    expected.push_back(submit(a_job(codec)).sequence_number);
    clock.advance(1s);
  }
  std::vector<std::int64_t> got;
  for (const auto& one : claim(node, 4)) got.push_back(one.job.sequence_number);
  EXPECT_EQ(got, expected);
}

TEST_P(StoreConformance, ARetryPrefersAnotherNodeAndElseReturns) {
  const TestNode first = add_node();
  const TestNode second = add_node();
  const auto fail_on_first = [&] {
    const auto sequence = submit().sequence_number;
    finish(first, claim_one(first), ResultStatus::kFailed, FailureReason::kOutputError);
    clock.advance(7s);  // past the backoff of the first retry
    EXPECT_TRUE(heartbeat(second));
    sweep();
    return sequence;
  };
  const auto sequence = fail_on_first();
  EXPECT_TRUE(claim(first).empty());
  const auto other = submit().sequence_number;
  ASSERT_EQ(claim(first).at(0).job.sequence_number, other) << "what it avoids must not block the rest";
  EXPECT_EQ(claim(second).at(0).job.sequence_number, sequence);

  lose_lease();
  fail_on_first();
  clock.advance(settings.intervals.offline + 1s);
  EXPECT_EQ(claim(first).size(), 1U) << "alone it takes the job";
}

// ---- attempts ----

TEST_P(StoreConformance, TheFirstProgressSetsRunning) {
  const TestNode node = add_node();
  const auto sequence = submit().sequence_number;
  const Uuid attempt = claim_one(node);
  clock.advance(2s);
  const auto reply = progress(node, attempt, 1);
  EXPECT_EQ(reply.lease_left, settings.intervals.lease);
  clock.advance(1s);
  progress(node, attempt, 3);
  progress(node, attempt, 2);  // older: answered, not applied
  const JobDetail found = detail(sequence);
  EXPECT_EQ(found.view.job.now.status, JobState::kRunning);
  EXPECT_EQ(found.view.job.now.started_at, clock.now().utc - 1s);
  EXPECT_EQ(found.view.job.now.last_activity_at, clock.now().utc);
  EXPECT_EQ(found.attempts[0].started_at, clock.now().utc - 1s);
  ASSERT_TRUE(found.view.progress);
  EXPECT_EQ(found.view.progress->frame, 30);
  EXPECT_EQ(found.transitions.size(), 3U);
}

TEST_P(StoreConformance, MessagesKeepTheLease) {
  const TestNode node = add_node();
  const auto sequence = submit().sequence_number;
  const Uuid attempt = claim_one(node);
  const auto nearly = settings.intervals.lease - 1s;
  clock.advance(nearly);
  progress(node, attempt);
  clock.advance(nearly);
  ASSERT_TRUE(store->apply_wait(TouchAttempt{attempt, node.id}));
  clock.advance(nearly);
  ASSERT_TRUE(store->apply_wait(Publish{attempt, node.id, {"/out.mp4", 5, "aa"}}));
  clock.advance(nearly);
  const auto beat = heartbeat(node, {attempt});
  ASSERT_TRUE(beat);
  ASSERT_EQ(beat->leases.size(), 1U);
  EXPECT_EQ(beat->leases[0].left, settings.intervals.lease);
  clock.advance(nearly);
  sweep();
  EXPECT_EQ(status(sequence), JobState::kRunning);
  clock.advance(2s);
  EXPECT_EQ(sweep().leases_expired, 1);
}

// contract: F11
TEST_P(StoreConformance, AnOldAttemptChangesNothing) {
  const TestNode node = add_node();
  const TestNode other = add_node();
  const auto sequence = submit().sequence_number;
  const Uuid old_attempt = claim_one(node);
  progress(node, old_attempt);
  clock.advance(settings.intervals.lease);
  // Before the sweep has seen it, and after, and while the next attempt runs.
  for (int round = 0; round < 3; ++round) {
    if (round == 1) sweep();
    if (round == 2) {
      EXPECT_TRUE(heartbeat(other));
      claim_one(other);
    }
    const JobDetail before = detail(sequence);
    EXPECT_TRUE(fails_with(store->apply_wait(report(node, old_attempt, 9)), Errc::kStaleAttempt));
    EXPECT_TRUE(fails_with(store->apply_wait(TouchAttempt{old_attempt, node.id}), Errc::kStaleAttempt));
    EXPECT_TRUE(fails_with(store->apply_wait(Publish{old_attempt, node.id, {"/x", 1, ""}}), Errc::kStaleAttempt));
    EXPECT_TRUE(
        fails_with(store->apply_wait(a_result(node, old_attempt, ResultStatus::kCompleted)), Errc::kStaleAttempt));
    EXPECT_TRUE(fails_with(store->apply_wait(Release{old_attempt, node.id, ""}), Errc::kStaleAttempt));
    const auto beat = heartbeat(node, {old_attempt});
    ASSERT_TRUE(beat);
    EXPECT_EQ(beat->stale, std::vector<Uuid>{old_attempt});
    const JobDetail after = detail(sequence);
    EXPECT_EQ(after.transitions, before.transitions);
    EXPECT_EQ(after.view.job.now.status, before.view.job.now.status);
    EXPECT_EQ(after.view.progress, before.view.progress);
    EXPECT_EQ(after.view.job.now.last_activity_at, before.view.job.now.last_activity_at);
  }
}

TEST_P(StoreConformance, UnknownThenForeignThenStale) {
  const TestNode node = add_node();
  const TestNode other = add_node();
  submit();
  const Uuid attempt = claim_one(node);
  EXPECT_TRUE(fails_with(store->apply_wait(report(node, new_id())), Errc::kNotFound));
  EXPECT_TRUE(fails_with(store->apply_wait(a_result(node, new_id(), ResultStatus::kFailed)), Errc::kNotFound));
  EXPECT_TRUE(fails_with(store->apply_wait(report(other, attempt)), Errc::kForbidden));
  EXPECT_TRUE(fails_with(store->apply_wait(a_result(other, attempt, ResultStatus::kFailed)), Errc::kForbidden));
  finish(node, attempt, ResultStatus::kCompleted);
  EXPECT_TRUE(fails_with(store->apply_wait(report(other, attempt)), Errc::kForbidden));
  EXPECT_TRUE(fails_with(store->apply_wait(a_result(other, attempt, ResultStatus::kFailed)), Errc::kForbidden));
  EXPECT_TRUE(fails_with(store->apply_wait(report(node, attempt)), Errc::kStaleAttempt));
}

// contract: F12
TEST_P(StoreConformance, TheSameResultIsOneResult) {
  const TestNode node = add_node();
  const auto sequence = submit().sequence_number;
  const Uuid attempt = claim_one(node);
  const Finish result = a_result(node, attempt, ResultStatus::kFailed, FailureReason::kUnknown);
  const auto first = store->apply_wait(result);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->job_status, JobState::kRetrying);
  ASSERT_TRUE(first->retry_at);
  for (int i = 0; i < 4; ++i) {
    clock.advance(10s);
    sweep();  // the job has moved on; the answer has not
    if (i == 2 && GetParam().durable) restart();
    const auto again = store->apply_wait(result);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->job_status, first->job_status);
    EXPECT_EQ(again->retry_at, first->retry_at);
  }
  EXPECT_EQ(status(sequence), JobState::kQueued);
  EXPECT_EQ(detail(sequence).attempts.size(), 1U);
  EXPECT_EQ(detail(sequence).view.job.now.retry_count, 1);
  Finish other = result;
  other.result.result_id = new_id();
  EXPECT_TRUE(fails_with(store->apply_wait(other), Errc::kResultConflict));
}

TEST_P(StoreConformance, AResultBeforeAnyProgressStepsThroughRunning) {
  const TestNode node = add_node();
  const auto sequence = submit().sequence_number;
  EXPECT_EQ(finish(node, claim_one(node), ResultStatus::kCompleted), JobState::kCompleted);
  const JobDetail found = detail(sequence);
  ASSERT_EQ(found.transitions.size(), 4U);
  EXPECT_EQ(found.transitions[2].to, JobState::kRunning);
  EXPECT_EQ(found.transitions[3].from, JobState::kRunning);
  EXPECT_EQ(found.transitions[3].to, JobState::kCompleted);
  EXPECT_TRUE(found.view.job.now.started_at);
  EXPECT_EQ(found.attempts[0].state, AttemptState::kCompleted);
  ASSERT_TRUE(found.attempts[0].result);
}

TEST_P(StoreConformance, AWholeResultComesBack) {
  const TestNode node = add_node();
  const auto sequence = submit().sequence_number;
  Finish f = a_result(node, claim_one(node), ResultStatus::kCompleted);
  f.result.exit_code = 0;
  f.result.command = {"ffmpeg", "-i", "a \"b\".mkv"};
  f.result.output = model::OutputInfo{};
  f.result.output->path = "/o.mp4";
  f.result.output->size_bytes = 123;
  f.result.output->streams.push_back({0, "video", "h264", 1280, 720, "yuv420p", 29.97, {}, {}, 10.5, 315});
  f.result.stats = model::RunStats{};
  f.result.stats->frames = 315;
  ASSERT_TRUE(store->apply_wait(f));
  const auto result = detail(sequence).attempts.at(0).result;
  ASSERT_TRUE(result);
  EXPECT_EQ(result->command, f.result.command);
  EXPECT_EQ(result->output->streams.at(0).fps, 29.97);
  EXPECT_EQ(result->stats->frames, 315);
  EXPECT_FALSE(result->signal);
}

TEST_P(StoreConformance, GrantsAreRememberedForTheNextAttempt) {
  const TestNode node = add_node();
  submit();
  const Uuid attempt = claim_one(node);
  const model::PublishGrant grant{"/out.mp4", 42, "ab12"};
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(store->apply_wait(Publish{attempt, node.id, grant}));
  lose_lease();
  if (GetParam().durable) restart();
  const auto granted = claim(node);
  ASSERT_EQ(granted.size(), 1U);
  EXPECT_EQ(granted[0].attempt.number, 2);
  EXPECT_EQ(granted[0].earlier_grants, std::vector<model::PublishGrant>{grant});
}

TEST_P(StoreConformance, AReleaseCountsNoRetry) {
  const TestNode node = add_node();
  const auto sequence = submit().sequence_number;
  for (int i = 0; i < 10; ++i) {
    const Uuid attempt = claim_one(node);
    const auto reply = store->apply_wait(Release{attempt, node.id, "drain"});
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->job_status, JobState::kQueued);
  }
  EXPECT_EQ(detail(sequence).view.job.now.retry_count, 0);
  const auto last = store->apply_wait(Release{claim_one(node), node.id, "drain"});
  ASSERT_TRUE(last);
  EXPECT_EQ(last->job_status, JobState::kFailed) << "the eleventh attempt is the last";
  EXPECT_EQ(detail(sequence).attempts.size(), 11U);
}

// ---- failures and retries ----

// contract: F17
TEST_P(StoreConformance, AJobThatAlwaysFailsHasFourAttemptsFartherAndFartherApart) {
  const TestNode node = add_node();
  const auto sequence = submit().sequence_number;
  for (const double wait : {5.0, 10.0, 20.0}) {
    EXPECT_EQ(finish(node, claim_one(node), ResultStatus::kFailed, FailureReason::kRuntimeError), JobState::kRetrying);
    const auto retry_at = detail(sequence).view.job.now.next_retry_at;
    ASSERT_TRUE(retry_at);
    const double seconds = std::chrono::duration<double>(*retry_at - clock.now().utc).count();
    EXPECT_GE(seconds, wait * 0.8);
    EXPECT_LE(seconds, wait * 1.2);
    clock.advance(*retry_at - clock.now().utc - 1ms);
    sweep();
    EXPECT_EQ(status(sequence), JobState::kRetrying);
    clock.advance(1ms);
    EXPECT_EQ(sweep().retries_due, 1);
    EXPECT_EQ(status(sequence), JobState::kQueued);
    EXPECT_FALSE(detail(sequence).view.job.now.next_retry_at);
  }
  EXPECT_EQ(finish(node, claim_one(node), ResultStatus::kFailed, FailureReason::kRuntimeError), JobState::kFailed);
  const JobDetail found = detail(sequence);
  EXPECT_EQ(found.attempts.size(), 4U);
  EXPECT_EQ(found.view.job.now.failure_reason, FailureReason::kRuntimeError);
  EXPECT_EQ(found.view.job.now.error, "it broke");
  EXPECT_TRUE(found.view.job.now.completed_at);
  EXPECT_EQ(found.view.job.now.queued_at, found.view.job.created_at) << "retries keep queued_at";
}

// contract: F18
TEST_P(StoreConformance, NoRetriesMeansOneAttempt) {
  const TestNode node = add_node(3);
  Submit none = a_job();
  none.job.spec.max_retries = 0;
  const auto lost = submit(none).sequence_number;
  claim_one(node);
  lose_lease();
  EXPECT_EQ(status(lost), JobState::kFailed);
  EXPECT_EQ(detail(lost).view.job.now.failure_reason, FailureReason::kPlatformError);
  EXPECT_EQ(detail(lost).view.job.now.error, "node or lease lost");
  EXPECT_EQ(detail(lost).attempts.at(0).state, AttemptState::kLost);

  const auto bad_input = submit().sequence_number;
  EXPECT_EQ(finish(node, claim_one(node), ResultStatus::kFailed, FailureReason::kInputError), JobState::kFailed);
  EXPECT_EQ(detail(bad_input).attempts.size(), 1U);
}

TEST_P(StoreConformance, ALostLeaseCountsAndQueuesAtOnce) {
  const TestNode node = add_node();
  const auto sequence = submit().sequence_number;
  for (int lost = 1; lost <= 3; ++lost) {
    claim_one(node);
    lose_lease();
    EXPECT_EQ(status(sequence), JobState::kQueued);
    EXPECT_EQ(detail(sequence).view.job.now.retry_count, lost);
    EXPECT_FALSE(detail(sequence).view.job.now.attempt_id);
  }
  claim_one(node);
  lose_lease();
  EXPECT_EQ(status(sequence), JobState::kFailed);
  EXPECT_EQ(detail(sequence).transitions.back().reason, "lease expired");
  EXPECT_EQ(detail(sequence).transitions.back().actor, "master");
}

TEST_P(StoreConformance, TimeoutsEndTimedOut) {
  const TestNode node = add_node();
  Submit own = a_job();
  own.job.spec.resource_limits.timeout_sec = 60;
  const auto first = submit(own).sequence_number;
  Uuid attempt = claim_one(node);
  EXPECT_EQ(time_out(node, attempt, model::TimeoutCause::kTimeoutSec), JobState::kTimedOut);
  EXPECT_EQ(detail(first).view.job.now.failure_reason, FailureReason::kTimeout);

  own.job.id = new_id();
  submit(own);
  attempt = claim_one(node);
  for (int i = 1; i <= 10; ++i) {  // more than a minute, as of a job that was paused: the time that passed says nothing
    clock.advance(30s);
    progress(node, attempt, i);
  }
  EXPECT_EQ(time_out(node, attempt, model::TimeoutCause::kStall), JobState::kRetrying);

  submit();
  EXPECT_EQ(time_out(node, claim_one(node), model::TimeoutCause::kDefaultDeadline), JobState::kRetrying);
  submit();
  EXPECT_EQ(time_out(node, claim_one(node), std::nullopt), JobState::kRetrying);

  Submit no_retry = a_job();
  no_retry.job.spec.max_retries = 0;
  submit(no_retry);
  EXPECT_EQ(finish(node, claim_one(node), ResultStatus::kFailed, FailureReason::kTimeout), JobState::kTimedOut);
}

TEST_P(StoreConformance, OutputErrorIsRetriedOnce) {
  const TestNode node = add_node();
  const auto sequence = submit().sequence_number;
  EXPECT_EQ(finish(node, claim_one(node), ResultStatus::kFailed, FailureReason::kOutputError), JobState::kRetrying);
  clock.advance(10s);
  sweep();
  EXPECT_EQ(finish(node, claim_one(node), ResultStatus::kFailed, FailureReason::kOutputError), JobState::kFailed);
  EXPECT_EQ(detail(sequence).attempts.size(), 2U);
}

// ---- control ----

TEST_P(StoreConformance, WaitingJobsObeyAtOnce) {
  const auto sequence = submit().sequence_number;
  const TestNode node = add_node();
  auto reply = control(sequence, Kind::kPause);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->job.now.status, JobState::kPaused);
  EXPECT_FALSE(reply->job.now.desired);
  EXPECT_TRUE(claim(node).empty()) << "a paused job is not claimed";
  EXPECT_TRUE(fails_with(control(sequence, Kind::kPause), Errc::kIllegalTransition));
  reply = control(sequence, Kind::kResume);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->job.now.status, JobState::kQueued);
  EXPECT_TRUE(fails_with(control(sequence, Kind::kResume), Errc::kIllegalTransition));
  for (int i = 0; i < 2; ++i) {
    reply = control(sequence, Kind::kCancel);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->job.now.status, JobState::kCanceled);
  }
  EXPECT_TRUE(claim(node).empty());
  EXPECT_EQ(detail(sequence).transitions.back().actor, "key:alice");
}

TEST_P(StoreConformance, ALiveJobFollowsWhenItsAttemptHasAcknowledged) {
  const TestNode node = add_node();
  const auto sequence = submit().sequence_number;
  const Uuid attempt = claim_one(node);
  EXPECT_TRUE(fails_with(control(sequence, Kind::kPause), Errc::kIllegalTransition)) << "nothing runs yet";
  progress(node, attempt, 1);
  auto reply = control(sequence, Kind::kPause);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->job.now.status, JobState::kRunning);
  EXPECT_EQ(reply->job.now.desired, model::Desired::kPaused);
  auto beat = heartbeat(node, {attempt});
  ASSERT_TRUE(beat);
  ASSERT_EQ(beat->commands.size(), 1U);
  EXPECT_EQ(beat->commands[0].command_id, attempt.str() + "/1");
  EXPECT_EQ(beat->commands[0].action, Action::kPause);
  EXPECT_EQ(progress(node, attempt, 2).commands.size(), 1U) << "told until acknowledged";
  EXPECT_TRUE(progress(node, attempt, 3, {attempt.str() + "/1"}).commands.empty());
  EXPECT_EQ(status(sequence), JobState::kPaused);
  EXPECT_FALSE(detail(sequence).view.job.now.desired);
  EXPECT_EQ(detail(sequence).transitions.back().actor, "key:alice");

  EXPECT_TRUE(fails_with(control(sequence, Kind::kPause), Errc::kIllegalTransition));
  ASSERT_TRUE(control(sequence, Kind::kResume));
  beat = heartbeat(node, {attempt});
  ASSERT_EQ(beat->commands.size(), 1U);
  EXPECT_EQ(beat->commands[0].action, Action::kResume);
  progress(node, attempt, 4, {attempt.str() + "/1"});  // an old acknowledgement says nothing
  EXPECT_EQ(status(sequence), JobState::kPaused);
  progress(node, attempt, 5, {attempt.str() + "/2"});
  EXPECT_EQ(status(sequence), JobState::kRunning);
  EXPECT_EQ(finish(node, attempt, ResultStatus::kCompleted), JobState::kCompleted);
}

TEST_P(StoreConformance, AResumeOvertakesAPause) {
  const TestNode node = add_node();
  const auto sequence = submit().sequence_number;
  const Uuid attempt = claim_one(node);
  progress(node, attempt, 1);
  ASSERT_TRUE(control(sequence, Kind::kPause));
  ASSERT_TRUE(control(sequence, Kind::kResume));
  const auto commands = progress(node, attempt, 2).commands;
  ASSERT_EQ(commands.size(), 1U);
  EXPECT_EQ(commands[0].action, Action::kResume);
  progress(node, attempt, 3, {commands[0].command_id});
  EXPECT_EQ(status(sequence), JobState::kRunning);
  EXPECT_FALSE(detail(sequence).view.job.now.desired);
}

TEST_P(StoreConformance, ACancelOfALiveJobEndsWithItsResult) {
  const TestNode node = add_node();
  const auto sequence = submit().sequence_number;
  const Uuid attempt = claim_one(node);
  ControlJob cancel;
  cancel.job = sequence;
  cancel.actor = "key:bob";
  cancel.reason = "wrong file";
  cancel.grace_seconds = 3;
  for (int i = 0; i < 2; ++i) {
    const auto reply = store->apply_wait(cancel);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->job.now.status, JobState::kAssigned);
    EXPECT_EQ(reply->job.now.desired, model::Desired::kCanceled);
  }
  const auto beat = heartbeat(node, {attempt});
  ASSERT_EQ(beat->commands.size(), 1U);
  EXPECT_EQ(beat->commands[0].action, Action::kCancel);
  EXPECT_EQ(beat->commands[0].grace_seconds, 3);
  EXPECT_TRUE(progress(node, attempt, 1, {beat->commands[0].command_id}).commands.empty());
  EXPECT_EQ(status(sequence), JobState::kRunning);
  EXPECT_EQ(finish(node, attempt, ResultStatus::kCanceled), JobState::kCanceled);
  EXPECT_EQ(detail(sequence).transitions.back().actor, "key:bob");
  EXPECT_EQ(detail(sequence).transitions.back().reason, "wrong file");
  EXPECT_TRUE(control(sequence, Kind::kCancel)) << "repeatable";
}

TEST_P(StoreConformance, ACompletionWinsOverACancelAndACancelOverARetry) {
  const TestNode node = add_node();
  const auto start = [&] {
    const auto sequence = submit().sequence_number;
    const Uuid attempt = claim_one(node);
    EXPECT_TRUE(control(sequence, Kind::kCancel));
    return std::pair(sequence, attempt);
  };
  auto [done, done_attempt] = start();
  EXPECT_EQ(finish(node, done_attempt, ResultStatus::kCompleted), JobState::kCompleted);
  EXPECT_FALSE(detail(done).view.job.now.desired);
  auto [failed, failed_attempt] = start();
  EXPECT_EQ(finish(node, failed_attempt, ResultStatus::kFailed, FailureReason::kUnknown), JobState::kCanceled);
  auto [released, released_attempt] = start();
  EXPECT_EQ((*store->apply_wait(Release{released_attempt, node.id, ""})).job_status, JobState::kCanceled);
  auto [lost, lost_attempt] = start();
  lose_lease();
  EXPECT_EQ(status(lost), JobState::kCanceled);
}

TEST_P(StoreConformance, DesiresSurviveARestart) {
  if (!GetParam().durable) return;  // nothing of a memory store survives; the row is SQLite's and PostgreSQL's
  const TestNode node = add_node();
  const auto sequence = submit().sequence_number;
  const Uuid attempt = claim_one(node);
  ASSERT_TRUE(control(sequence, Kind::kCancel));
  restart();
  EXPECT_EQ(progress(node, attempt).commands.size(), 1U);
}

TEST_P(StoreConformance, APausedJobWhoseLeaseIsLostIsQueued) {
  const TestNode node = add_node();
  const auto sequence = submit().sequence_number;
  const Uuid attempt = claim_one(node);
  progress(node, attempt, 1);
  ASSERT_TRUE(control(sequence, Kind::kPause));
  progress(node, attempt, 2, {attempt.str() + "/1"});
  lose_lease();
  EXPECT_EQ(status(sequence), JobState::kQueued);
}

TEST_P(StoreConformance, ARetryByHandStartsTheCountAgain) {
  const TestNode node = add_node();
  Submit command = a_job();
  command.job.spec.max_retries = 1;
  const auto sequence = submit(command).sequence_number;
  for (int round = 0; round < 2; ++round) {
    claim_one(node);
    lose_lease();
    claim_one(node);
    lose_lease();
    EXPECT_EQ(status(sequence), JobState::kFailed);
    const auto completed_at = detail(sequence).view.job.now.completed_at;
    const auto reply = control(sequence, Kind::kRetry);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->job.now.status, JobState::kQueued);
    EXPECT_EQ(reply->job.now.retry_count, 0);
    EXPECT_FALSE(reply->job.now.failure_reason);
    EXPECT_EQ(reply->job.now.queued_at, reply->job.created_at);
    EXPECT_EQ(reply->job.now.completed_at, completed_at) << "a retry erases no time";
  }
  EXPECT_EQ(detail(sequence).attempts.back().number, 4);
}

TEST_P(StoreConformance, AnOwnerSeesNoJobsOfOthers) {
  ControlJob c;
  c.job = submit().sequence_number;
  c.actor = "key:bob";
  c.only_owner = "bob";
  EXPECT_TRUE(fails_with(store->apply_wait(c), Errc::kNotFound));
  c.only_owner = "alice";
  EXPECT_TRUE(store->apply_wait(c));
  c.job = std::int64_t{99};
  EXPECT_TRUE(fails_with(store->apply_wait(c), Errc::kNotFound));
}

// ---- nodes ----

// contract: F31
TEST_P(StoreConformance, TwoWorkersAreTwoNodesAndACopySupersedes) {
  const TestNode a = add_node();
  const TestNode b = add_node();
  EXPECT_NE(a.id, b.id);
  RegisterNode copy = registration(facts());
  copy.node_id = a.id;
  const auto reply = store->apply_wait(copy);
  ASSERT_TRUE(reply);
  EXPECT_FALSE(reply->created);
  EXPECT_EQ(reply->node.id, a.id);
  EXPECT_EQ(reply->node.token_hash, "hash");
  EXPECT_TRUE(fails_with(heartbeat(a), Errc::kSuperseded));
  EXPECT_TRUE(fails_with(try_claim(a), Errc::kSuperseded));
  EXPECT_TRUE(heartbeat({a.id, copy.instance_id}));
  RegisterNode late = registration(facts());
  late.node_id = a.id;
  late.instance_id = a.instance;
  EXPECT_TRUE(fails_with(store->apply_wait(late), Errc::kSuperseded)) << "an old copy of a former registration";
  EXPECT_EQ((*store->nodes()).size(), 2U);
}

TEST_P(StoreConformance, ANewTokenOfAKnownNodeIsKeptAndNoTokenChangesNone) {
  RegisterNode r = registration(facts());
  ASSERT_TRUE(store->apply_wait(r));
  r.node_id = r.new_node_id;
  r.token_hash = "";  // it came with its token
  EXPECT_EQ(store->apply_wait(r)->node.token_hash, "hash");
  r.token_hash = "another";
  EXPECT_EQ(store->apply_wait(r)->node.token_hash, "another");
  EXPECT_EQ((*store->nodes()).at(0).node.token_hash, "another");
}

// contract: F31
TEST_P(StoreConformance, AnOfflineNodeIsRevivedByAnyContact) {
  const TestNode node = add_node();
  const auto status_now = [&] { return (*store->nodes()).at(0).status; };
  EXPECT_EQ(status_now(), model::NodeStatus::kAvailable);
  clock.advance(settings.intervals.offline + 1ms);
  EXPECT_EQ(status_now(), model::NodeStatus::kOffline);
  ASSERT_TRUE(heartbeat(node));
  EXPECT_EQ(status_now(), model::NodeStatus::kAvailable);
  clock.advance(settings.intervals.offline + 1ms);
  EXPECT_TRUE(claim(node).empty());
  EXPECT_EQ(status_now(), model::NodeStatus::kAvailable);
  submit();
  claim(node);
  EXPECT_EQ(status_now(), model::NodeStatus::kBusy);
  EXPECT_EQ((*store->nodes()).at(0).active_attempts.size(), 1U);
}

TEST_P(StoreConformance, ANodeIsShownWithItsLoad) {
  const TestNode node = add_node();
  NodeLoad load;
  load.load1 = 1.5;
  load.ram_free_bytes = 77;
  clock.advance(5s);
  ASSERT_TRUE(store->apply_wait(Heartbeat{node.id, node.instance, load, {}}));
  const auto nodes = store->nodes();
  ASSERT_TRUE(nodes);
  EXPECT_EQ(nodes->at(0).load.load1, 1.5);
  EXPECT_EQ(nodes->at(0).load.ram_free_bytes, 77);
  EXPECT_EQ(nodes->at(0).node.last_heartbeat_at, clock.now().utc);
  EXPECT_EQ(nodes->at(0).node.registered_at, clock.now().utc - 5s);
  EXPECT_EQ(nodes->at(0).node.facts.encoders.at(0).name, "libx264");
}

TEST_P(StoreConformance, ARestartedWorkerKeepsWhatItListsAndLosesTheRest) {
  const TestNode node = add_node(3);
  const TestNode other = add_node();
  const auto kept = submit().sequence_number;
  const Uuid keep = claim_one(node);
  const auto lost = submit().sequence_number;
  claim_one(node);
  submit();
  const Uuid foreign = claim_one(other);
  clock.advance(settings.intervals.lease - 1s);
  EXPECT_TRUE(heartbeat(other, {foreign}));
  RegisterNode again = registration(facts(3));
  again.node_id = node.id;
  again.attempts = {keep, foreign, new_id()};
  const auto reply = store->apply_wait(again);
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->attempts.size(), 3U);
  EXPECT_TRUE(reply->attempts[0].keep);
  EXPECT_FALSE(reply->attempts[1].keep);
  EXPECT_FALSE(reply->attempts[2].keep);
  EXPECT_EQ(status(lost), JobState::kQueued);
  EXPECT_EQ(detail(lost).view.job.now.retry_count, 1);
  clock.advance(2s);
  sweep();
  EXPECT_EQ(status(kept), JobState::kAssigned) << "its lease was renewed";
}

// contract: F31
// A worker names its node itself, so the answer to its first registration may be lost, also with its process.
TEST_P(StoreConformance, AFirstRegistrationThatComesAgainFindsItsNode) {
  RegisterNode first = registration(facts());
  first.node_id = first.new_node_id;
  const auto made = store->apply_wait(first);
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->created);
  EXPECT_EQ(made->node.id, first.new_node_id);
  first.token_hash = "of the second answer";
  const auto again = store->apply_wait(first);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->created);
  RegisterNode restarted = registration(facts());
  restarted.node_id = first.node_id;
  restarted.new_node_id = *first.node_id;
  restarted.token_hash = "of the third answer";
  const auto after = store->apply_wait(restarted);
  ASSERT_TRUE(after);
  EXPECT_FALSE(after->created);
  EXPECT_EQ(after->node.id, *first.node_id);
  const auto nodes = store->nodes();
  ASSERT_TRUE(nodes);
  ASSERT_EQ(nodes->size(), 1U);
  EXPECT_EQ(nodes->front().node.token_hash, "of the third answer") << "the last one that was answered is good";
  EXPECT_TRUE(heartbeat({*first.node_id, restarted.instance_id}));
}

TEST_P(StoreConformance, ARepeatedRegistrationLosesNothing) {
  RegisterNode r = registration(facts());
  ASSERT_TRUE(store->apply_wait(r));
  const auto sequence = submit().sequence_number;
  claim_one({r.new_node_id, r.instance_id});
  r.node_id = r.new_node_id;
  ASSERT_TRUE(store->apply_wait(r));
  EXPECT_EQ(status(sequence), JobState::kAssigned);
}

TEST_P(StoreConformance, UnknownNodesAreToldSo) {
  const TestNode nobody{new_id(), new_id()};
  EXPECT_TRUE(fails_with(heartbeat(nobody), Errc::kNotFound));
  EXPECT_TRUE(fails_with(try_claim(nobody), Errc::kNotFound));
}

// ---- queries ----

TEST_P(StoreConformance, ListsAreNewestFirstAndPageWithoutSkipping) {
  for (int i = 0; i < 25; ++i) submit();
  std::vector<std::int64_t> seen;
  std::optional<std::int64_t> before;
  do {
    const auto page = store->list_jobs({}, before, 10);
    ASSERT_TRUE(page);
    for (const JobView& view : page->jobs) seen.push_back(view.job.sequence_number);
    before = page->next_before_sequence;
    submit();  // inserts while paging neither skip nor repeat older rows
  } while (before);
  ASSERT_EQ(seen.size(), 25U);
  for (int i = 0; i < 25; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], 25 - i);
}

TEST_P(StoreConformance, FiltersSelect) {
  Submit odd = a_job();
  odd.job.owner = "bob";
  odd.job.spec.queue = model::Queue::kLive;
  odd.job.spec.priority = model::Priority::kHigh;
  odd.job.spec.engine = model::Engine::kFfmpeg;
  odd.job.spec.classification = model::Classification::kTest;
  odd.job.spec.scenario = "odd";
  const auto first_time = clock.now().utc;
  submit();
  clock.advance(1s);
  const auto number = submit(odd).sequence_number;
  clock.advance(1s);
  submit();
  const TestNode node = add_node();
  EXPECT_EQ(finish(node, claim_one(node), ResultStatus::kFailed, FailureReason::kInputError), JobState::kFailed);
  const auto only = [&](auto set) {
    JobFilter filter;
    set(filter);
    const auto page = store->list_jobs(filter, {}, 10);
    EXPECT_TRUE(page);
    return page->jobs.size() == 1 && page->jobs[0].job.sequence_number == number;
  };
  EXPECT_TRUE(only([](auto& f) { f.owner = "bob"; }));
  EXPECT_TRUE(only([](auto& f) { f.queue = model::Queue::kLive; }));
  EXPECT_TRUE(only([](auto& f) { f.priority = model::Priority::kHigh; }));
  EXPECT_TRUE(only([](auto& f) { f.engine = model::Engine::kFfmpeg; }));
  EXPECT_TRUE(only([](auto& f) { f.classification = model::Classification::kTest; }));
  EXPECT_TRUE(only([](auto& f) { f.scenario = "odd"; }));
  EXPECT_TRUE(only([](auto& f) { f.status = {JobState::kFailed, JobState::kRunning}; }));
  EXPECT_TRUE(only([](auto& f) { f.failure_reason = FailureReason::kInputError; }));
  EXPECT_TRUE(only([&](auto& f) { f.node_id = node.id; }));
  EXPECT_TRUE(only([&](auto& f) {
    f.created_after = first_time;
    f.created_before = first_time + 2s;
  }));
  EXPECT_TRUE(only([&](auto& f) {
    f.owner = "bob";
    f.created_after = first_time;
  }));
}

// contract: F47
TEST_P(StoreConformance, EveryEndIsJudgedOnce) {
  using model::SlaVerdict;
  const TestNode node = add_node();
  const auto run = [&](Submit command, auto end) {
    command.job.spec.max_retries = 0;
    const auto sequence = submit(std::move(command)).sequence_number;
    const Uuid attempt = claim_one(node);
    progress(node, attempt, 1);
    end(attempt);
    return detail(sequence).view.job.now;
  };
  const auto good = run(a_job(), [&](const Uuid& a) { finish(node, a, ResultStatus::kCompleted); });
  EXPECT_EQ(good.sla_verdict, SlaVerdict::kCompliant);
  EXPECT_EQ(good.sla_reason, "completed_successfully");
  EXPECT_TRUE(good.sla_counts);
  const auto full = run(a_job(), [&](const Uuid& a) { finish(node, a, ResultStatus::kFailed, FailureReason::kPlatformError); });
  EXPECT_EQ(full.sla_verdict, SlaVerdict::kViolation);
  EXPECT_EQ(full.sla_reason, "platform_failure");
  const auto crash = run(a_job(), [&](const Uuid& a) { finish(node, a, ResultStatus::kFailed, FailureReason::kUnknown); });
  EXPECT_EQ(crash.sla_verdict, SlaVerdict::kUndetermined);
  EXPECT_EQ(crash.sla_reason, "cause_unknown");
  Submit trial = a_job();
  trial.job.spec.scenario = "test-1";
  EXPECT_FALSE(run(trial, [&](const Uuid& a) { finish(node, a, ResultStatus::kCompleted); }).sla_counts);
  const auto slow = run(a_job(), [&](const Uuid& a) {
    for (int i = 0; i < 11; ++i) {
      clock.advance(std::chrono::minutes(1));
      progress(node, a, i + 2);
    }
    finish(node, a, ResultStatus::kCompleted);
  });
  EXPECT_EQ(slow.sla_reason, "processing_time_exceeded");

  const auto counts = *store->sla_counts({}, {});
  std::int64_t jobs = 0;
  for (const SlaCount& count : counts) jobs += count.jobs;
  EXPECT_EQ(jobs, 5);
  EXPECT_NE(std::find(counts.begin(), counts.end(),
                      SlaCount{"test-1", model::Queue::kDefault, std::nullopt, SlaVerdict::kCompliant,
                               "completed_successfully", false, 1}),
            counts.end());
  EXPECT_EQ(store->sla_counts(clock.now().utc, {})->size(), 1U) << "the slow one ended now";
  EXPECT_EQ(store->sla_counts({}, clock.now().utc)->size(), 4U);
}

TEST_P(StoreConformance, TimeInTheQueueAddsUpOverAttempts) {
  const TestNode node = add_node();
  const auto sequence = submit().sequence_number;
  clock.advance(std::chrono::seconds(20));
  const Uuid first = claim_one(node);
  ASSERT_TRUE(store->apply_wait(Release{first, node.id, "worker is stopping"}));
  clock.advance(std::chrono::seconds(11));
  const Uuid second = claim_one(node);
  finish(node, second, ResultStatus::kCompleted);
  const auto now = detail(sequence).view.job.now;
  EXPECT_EQ(now.queued_ms, 31'000);
  EXPECT_EQ(now.sla_reason, "queue_time_exceeded");
}

TEST_P(StoreConformance, ARetryByHandIsJudgedAnew) {
  const TestNode node = add_node();
  Submit command = a_job();
  command.job.spec.max_retries = 0;
  const auto sequence = submit(std::move(command)).sequence_number;
  finish(node, claim_one(node), ResultStatus::kFailed, FailureReason::kOutputError);
  EXPECT_EQ(detail(sequence).view.job.now.sla_reason, "output_invalid");
  ASSERT_TRUE(control(sequence, ControlJob::Kind::kRetry));
  EXPECT_FALSE(detail(sequence).view.job.now.sla_verdict);
  finish(node, claim_one(node), ResultStatus::kCompleted);
  EXPECT_EQ(detail(sequence).view.job.now.sla_reason, "completed_successfully");
}

TEST_P(StoreConformance, KeysAreKept) {
  const KeyRecord key{"k1", "alice", "admin", "0011", clock.now().utc};
  ASSERT_TRUE(store->apply_wait(CreateKey{key}));
  if (GetParam().durable) restart();
  EXPECT_EQ(*store->keys(), std::vector<KeyRecord>{key});
}

// ---- effects ----

TEST_P(StoreConformance, WaitersHearOfWhatConcernsThem) {
  std::mutex mutex;
  Effects seen;
  store.reset();
  auto opened = GetParam().open(dir.path(), settings, clock, ids);
  ASSERT_TRUE(opened);
  store = *std::move(opened);
  store->set_listener([&](const Effects& e) {
    const std::lock_guard lock(mutex);
    seen.queue_grew |= e.queue_grew;
    for (const Uuid& id : e.nodes_with_commands) seen.nodes_with_commands.push_back(id);
    for (const auto sequence : e.jobs_changed) seen.jobs_changed.push_back(sequence);
  });
  const auto take = [&] {
    const std::lock_guard lock(mutex);
    return std::exchange(seen, {});
  };
  const TestNode node = add_node();
  take();
  const auto sequence = submit().sequence_number;
  Effects effects = take();
  EXPECT_TRUE(effects.queue_grew);
  EXPECT_EQ(effects.jobs_changed, std::vector<std::int64_t>{sequence});
  const Uuid attempt = claim_one(node);
  EXPECT_FALSE(take().queue_grew);
  progress(node, attempt);
  EXPECT_FALSE(take().jobs_changed.empty());
  ASSERT_TRUE(control(sequence, Kind::kPause));
  EXPECT_EQ(take().nodes_with_commands, std::vector<Uuid>{node.id});
  lose_lease();
  EXPECT_TRUE(take().queue_grew);
}

// ---- faults ----

// contract: F6
TEST_P(StoreConformance, AFailingStoreSaysSoAndKeepsNothingOfTheGroup) {
  const TestNode node = add_node(2);
  submit();
  const Uuid attempt = claim_one(node);
  const auto waiting = submit().sequence_number;
  for (const char* fault : {"store:EIO", "store_commit:ENOSPC"}) {
    ASSERT_TRUE(fault::arm(fault));
    EXPECT_TRUE(fails_with(store->apply_wait(a_job()), Errc::kStoreUnavailable));
    EXPECT_TRUE(fails_with(try_claim(node), Errc::kStoreUnavailable));
    EXPECT_TRUE(fails_with(control(waiting, Kind::kCancel), Errc::kStoreUnavailable));
    EXPECT_TRUE(
        fails_with(store->apply_wait(a_result(node, attempt, ResultStatus::kCompleted)), Errc::kStoreUnavailable));
    EXPECT_TRUE(heartbeat(node, {attempt})) << "a full disk costs nobody a lease";
    if (std::string_view(fault).starts_with("store:")) {
      EXPECT_TRUE(fails_with(store->check(), Errc::kStoreUnavailable));
    }
    ASSERT_TRUE(fault::arm(""));
  }
  EXPECT_TRUE(store->check());
  EXPECT_EQ(status(waiting), JobState::kQueued);
  EXPECT_EQ((*store->nodes()).at(0).active_attempts, std::vector<Uuid>{attempt});
  EXPECT_EQ((*store->list_jobs({}, {}, 10)).jobs.size(), 2U);
  EXPECT_EQ(claim(node, 2).size(), 1U);
  EXPECT_EQ(finish(node, attempt, ResultStatus::kCompleted), JobState::kCompleted);
}

TEST_P(StoreConformance, AFailedGroupTakesItsNewClassesAlong) {
  const TestNode node = add_node(4);
  ASSERT_TRUE(fault::arm("store_commit:EIO:1"));
  EXPECT_TRUE(fails_with(store->apply_wait(a_job("copy")), Errc::kStoreUnavailable));
  const auto unfit = submit(a_job("h264_nvenc")).sequence_number;
  const auto fit = submit(a_job("copy")).sequence_number;
  const auto granted = claim(node, 4);
  ASSERT_EQ(granted.size(), 1U);
  EXPECT_EQ(granted[0].job.sequence_number, fit);
  EXPECT_EQ(status(unfit), JobState::kQueued);
}

TEST_P(StoreConformance, CheckWritesAndReads) { EXPECT_TRUE(store->check()); }

}  // namespace
}  // namespace ffrtmp::store
