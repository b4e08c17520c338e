// What only a store on disk has to show: restarts, kills, file modes, one master a file.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <set>

#include "base/fault.h"
#include "json/json.h"
#include "store/sqlite_db.h"
#include "store/store_test_bed.h"

namespace ffrtmp::store {
namespace {

using model::FailureReason;
using model::JobState;
using model::ResultStatus;
using namespace std::chrono_literals;

class SqliteStoreTest : public StoreBed {};
INSTANTIATE_TEST_SUITE_P(Disk, SqliteStoreTest, ::testing::Values(kBackends[1]),
                         [](const auto& one) { return std::string(one.param.name); });

std::string text_of(const JobDetail& d) {
  std::string text;
  json::encode_to(text, d.view.job.now);
  json::encode_to(text, d.view.job.spec);
  json::encode_to(text, d.view.job.effective);
  json::encode_to(text, d.view.progress);
  json::encode_to(text, d.transitions);
  json::encode_to(text, d.attempts);
  return text;
}

// contract: F25
TEST_P(SqliteStoreTest, EverythingAcknowledgedSurvivesARestart) {
  const TestNode node = add_node(8);
  std::vector<std::int64_t> numbers;
  for (int i = 0; i < 12; ++i) numbers.push_back(submit().sequence_number);
  std::vector<Uuid> attempts;
  for (const auto& one : claim(node, 6)) attempts.push_back(one.attempt.id);
  progress(node, attempts[0], 1);
  progress(node, attempts[1], 1);
  ASSERT_TRUE(control(numbers[1], ControlJob::Kind::kPause));
  progress(node, attempts[1], 2, {attempts[1].str() + "/1"});
  finish(node, attempts[2], ResultStatus::kCompleted);
  finish(node, attempts[3], ResultStatus::kFailed, FailureReason::kUnknown);
  ASSERT_TRUE(store->apply_wait(Publish{attempts[4], node.id, {"/o", 3, "ff"}}));
  ASSERT_TRUE(control(numbers[11], ControlJob::Kind::kCancel));
  std::vector<std::string> before;
  for (const auto number : numbers) before.push_back(text_of(detail(number)));
  const auto counts = *store->count_by_state();
  restart();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i == 1) continue;  // its progress was newer than the last one saved
    EXPECT_EQ(text_of(detail(numbers[i])), before[i]) << i;
  }
  EXPECT_EQ(*store->count_by_state(), counts);
  EXPECT_EQ(detail(numbers[1]).view.progress->frame, 10) << "saved with the first report";
  EXPECT_EQ(submit().sequence_number, 13);
}

// contract: F25
TEST_P(SqliteStoreTest, AttemptsGoOnAfterARestart) {
  const TestNode node = add_node();
  const auto sequence = submit().sequence_number;
  const Uuid attempt = claim_one(node);
  progress(node, attempt);
  clock.advance(settings.intervals.lease * 3);  // the master was away
  restart();
  EXPECT_EQ(sweep().leases_expired, 0) << "a start renews all leases";
  clock.advance(settings.intervals.lease - 1s);
  ASSERT_TRUE(heartbeat(node, {attempt}));
  EXPECT_EQ(finish(node, attempt, ResultStatus::kCompleted), JobState::kCompleted);
  EXPECT_EQ(detail(sequence).attempts.size(), 1U);
}

// The place of a waiting job was reckoned with the aging of the master that queued it.
TEST_P(SqliteStoreTest, AJobThatWasQueuedUnderAnotherAgingLeavesTheQueue) {
  const auto canceled = submit().sequence_number;
  const auto other = submit().sequence_number;
  settings.aging *= 2;
  restart();
  ASSERT_TRUE(control(canceled, ControlJob::Kind::kCancel));
  const TestNode node = add_node(2);
  const auto granted = claim(node, 2);
  ASSERT_EQ(granted.size(), 1U);
  EXPECT_EQ(granted[0].job.sequence_number, other);
  EXPECT_EQ(detail(canceled).view.job.now.status, JobState::kCanceled);
}

TEST_P(SqliteStoreTest, ARestartedMasterCountsTheSlotsThatAreTaken) {
  const TestNode node = add_node(3);
  for (int i = 0; i < 5; ++i) submit();
  ASSERT_EQ(claim(node, 2).size(), 2U);
  restart();
  EXPECT_EQ(claim(node, 3).size(), 1U);
}

// contract: F9
TEST_P(SqliteStoreTest, TheLastClaimIsKnownAfterARestartHoweverManyLive) {
  const TestNode node = add_node(40);
  Submit low = a_job();
  low.job.spec.priority = model::Priority::kLow;  // the first job, claimed last
  const auto sequence = submit(low).sequence_number;
  for (int i = 0; i < 30; ++i) submit();
  for (int i = 0; i < 30; ++i) {
    ASSERT_EQ(claim(node, 1).size(), 1U);
    clock.advance(1ms);
  }
  const Claim last{new_id(), node.id, node.instance, 1};
  const auto first = store->apply_wait(last);
  ASSERT_TRUE(first);
  ASSERT_EQ(first->granted.size(), 1U);
  ASSERT_EQ(first->granted[0].job.sequence_number, sequence);
  restart();
  const auto again = store->apply_wait(last);
  ASSERT_TRUE(again);
  ASSERT_EQ(again->granted.size(), 1U);
  EXPECT_EQ(again->granted[0].attempt.id, first->granted[0].attempt.id);
}

// contract: F46
TEST_P(SqliteStoreTest, FilesAreTheOwnersAloneWhateverTheUmask) {
  const mode_t old_mask = ::umask(0);
  const test::TempDir fresh;
  const std::string path = fresh / "m.db";
  { std::ofstream(path).put('\n').flush(); }
  std::filesystem::resize_file(path, 0);
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  auto opened = open_sqlite_store(path, settings, clock, ids);
  ::umask(old_mask);
  ASSERT_TRUE(opened) << opened.error().message;
  ASSERT_TRUE((*opened)->apply_wait(a_job()));
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(fresh.path())) {
    EXPECT_EQ(static_cast<int>(entry.status().permissions()), 0600) << entry.path();
    ++files;
  }
  EXPECT_EQ(files, 4) << "database, log, its index, lock";
}

TEST_P(SqliteStoreTest, ASecondMasterOnTheFileIsRefused) {
  const auto second = GetParam().open(dir.path(), settings, clock, ids);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kStoreUnavailable);
  EXPECT_NE(second.error().message.find("master.db"), std::string::npos);
}

TEST_P(SqliteStoreTest, ADamagedOrNewerFileIsRefusedByName) {
  const test::TempDir other;
  test::write_file(other / "master.db", std::string(8192, 'x'));
  const auto damaged = GetParam().open(other.path(), settings, clock, ids);
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, Errc::kStoreUnavailable);
  EXPECT_NE(damaged.error().message.find(other / "master.db"), std::string::npos) << damaged.error().message;
}

// What a bad disk, or a hand in the file, makes of a row.
void damage(const std::string& file, std::int64_t sequence) {
  auto db = Database::open(file, Database::Mode::kWriter);
  ASSERT_TRUE(db) << db.error().message;
  ASSERT_TRUE(db->execute(cat("UPDATE job_spec SET effective='{\"input' WHERE sequence=", sequence).c_str()));
}

TEST_P(SqliteStoreTest, ADamagedJobStandsInNobodysWay) {
  const auto first = submit().sequence_number;
  const auto bad = submit().sequence_number;
  const auto last = submit().sequence_number;
  damage(dir / "master.db", bad);
  const TestNode node = add_node(3);
  const auto granted = claim(node, 3);
  ASSERT_EQ(granted.size(), 2U);
  EXPECT_EQ(granted[0].job.sequence_number, first);
  EXPECT_EQ(granted[1].job.sequence_number, last);
  restart();
  EXPECT_TRUE(claim(node, 3).empty());
  const auto canceled = control(bad, ControlJob::Kind::kCancel);
  ASSERT_FALSE(canceled);
  EXPECT_EQ(canceled.error().code, Errc::kCorrupt);
  EXPECT_NE(canceled.error().message.find(cat("job ", bad, ": stored JSON is damaged")), std::string::npos)
      << canceled.error().message;
}

TEST_P(SqliteStoreTest, ARetryOfADamagedJobHoldsNoOtherUp) {
  const TestNode node = add_node(2);
  const auto bad = submit().sequence_number;
  const auto good = submit().sequence_number;
  for (const auto& one : claim(node, 2))
    finish(node, one.attempt.id, ResultStatus::kFailed, FailureReason::kPlatformError);
  ASSERT_EQ(detail(good).view.job.now.status, JobState::kRetrying);
  damage(dir / "master.db", bad);
  restart();
  clock.advance(1h);
  const auto swept = store->apply_wait(Sweep{});
  ASSERT_TRUE(swept) << swept.error().message;
  EXPECT_EQ(swept->retries_due, 1);
  EXPECT_EQ(detail(good).view.job.now.status, JobState::kQueued);
}

TEST_P(SqliteStoreTest, AMasterStartsWithADamagedJobThatRuns) {
  const TestNode node = add_node(2);
  const auto bad = submit().sequence_number;
  const Uuid lost = claim_one(node);
  submit();
  const Uuid kept = claim_one(node);
  store.reset();
  damage(dir / "master.db", bad);
  open();
  progress(node, kept, 1);
  EXPECT_FALSE(store->apply_wait(report(node, lost)));
}

// A command that meets the damaged row fails; those that are committed together with it do not.
TEST_P(SqliteStoreTest, ADamagedRowFailsNoOtherCommandOfItsGroup) {
  const auto bad = submit().sequence_number;
  damage(dir / "master.db", bad);
  std::promise<void> is_held;
  std::promise<void> all_wait;
  store->apply(a_job(), [&](const Result<Reply>&) {  // on the writer's thread: what comes meanwhile is one group
    is_held.set_value();
    all_wait.get_future().wait();
  });
  is_held.get_future().wait();
  std::vector<std::future<Result<Reply>>> replies;
  const auto send = [&](Command command) {
    auto reply = std::make_shared<std::promise<Result<Reply>>>();
    replies.push_back(reply->get_future());
    store->apply(std::move(command), [reply](Result<Reply> result) { reply->set_value(std::move(result)); });
  };
  ControlJob cancel;
  cancel.job = bad;
  cancel.kind = ControlJob::Kind::kCancel;
  send(a_job());
  send(cancel);
  send(a_job());
  send(cancel);
  send(a_job());
  all_wait.set_value();
  std::vector<bool> good;
  std::set<std::int64_t> numbers;
  for (auto& reply : replies) {
    const auto result = reply.get();
    good.push_back(result.has_value());
    if (result) numbers.insert(std::get<Submit::Reply>(*result).job.sequence_number);
  }
  EXPECT_EQ(good, (std::vector<bool>{true, false, true, false, true}));
  EXPECT_EQ(numbers.size(), 3U);
  restart();
  for (const std::int64_t number : numbers) EXPECT_EQ(detail(number).view.job.now.status, JobState::kQueued);
}

TEST_P(SqliteStoreTest, ClassesThatNobodyWaitsInGoAtAStart) {
  const auto with_label = [&](const std::string& value) {
    Submit s = a_job();
    s.job.spec.constraints.labels["rack"] = value;
    return submit(s).sequence_number;
  };
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(control(with_label(cat("r", i)), ControlJob::Kind::kCancel));
  const auto waits = with_label("last");
  restart();
  {
    auto db = Database::open(dir / "master.db", Database::Mode::kReader);
    ASSERT_TRUE(db) << db.error().message;
    Statement left(*db, "SELECT count(*) FROM requirement");
    ASSERT_TRUE(left.begin());
    ASSERT_TRUE(*left.step());
    EXPECT_EQ(left.integer(0), 1);
  }
  with_label("r0");
  model::NodeFacts node = facts(2);
  node.labels = {{"rack", "last"}};
  const auto claimed = claim(add_node(node), 2);
  ASSERT_EQ(claimed.size(), 1U);
  EXPECT_EQ(claimed[0].job.sequence_number, waits);
}

TEST_P(SqliteStoreTest, WaitingJobsAreFoundAfterAFailureThatOutlastsTheRollBack) {
  const TestNode node = add_node();
  const auto sequence = submit().sequence_number;
  ASSERT_TRUE(fault::arm("store:EIO:2"));  // the begin of a group, and what is read again after it
  EXPECT_TRUE(fails_with(store->apply_wait(a_job()), Errc::kStoreUnavailable));
  ASSERT_TRUE(fault::arm(""));
  const auto claimed = claim(node);
  ASSERT_EQ(claimed.size(), 1U);
  EXPECT_EQ(claimed[0].job.sequence_number, sequence);
}

// A member that a later version adds to the requirement must not make another class of the same need: a job that waits
// in the old one would be looked for in the new one.
TEST_P(SqliteStoreTest, AClassThatAnEarlierVersionWroteIsStillTheSame) {
  const auto sequence = submit().sequence_number;
  store.reset();
  {
    auto db = Database::open(dir / "master.db", Database::Mode::kWriter);
    ASSERT_TRUE(db) << db.error().message;
    ASSERT_TRUE(db->execute("UPDATE requirement SET need=json_remove(need, '$.generates_input')"));
    Statement left(*db, "SELECT count(*) FROM requirement WHERE need NOT LIKE '%generates_input%'");
    ASSERT_TRUE(left.begin());
    ASSERT_TRUE(*left.step());
    ASSERT_EQ(left.integer(0), 1);
  }
  open();
  ASSERT_TRUE(control(sequence, ControlJob::Kind::kCancel)) << "takes it out of the queue";
  EXPECT_TRUE(claim(add_node(), 1).empty()) << "it is not there any more";
  const auto next = submit().sequence_number;
  const auto claimed = claim(add_node(), 1);
  ASSERT_EQ(claimed.size(), 1U);
  EXPECT_EQ(claimed[0].job.sequence_number, next);
}

// ---- kill -9 ----

// Set for the child of the kill test only: the database it works on.
constexpr const char* kChildPath = "FFRTMP_KILLED_CHILD_DB";

// The child: submits, claims and finishes without end, and says each thing it was told had happened.
[[noreturn]] void work_for_ever(const std::string& path, int report_fd) {
  const SystemClock clock;
  RandomIds ids;
  auto store = *open_sqlite_store(path, Settings{}, clock, ids);
  model::NodeFacts facts;
  facts.encoders = {encoder("libx264", "h264")};
  facts.slots = 4;
  RegisterNode r;
  r.new_node_id = ids.next(clock.now().utc);
  r.instance_id = ids.next(clock.now().utc);
  r.facts = facts;
  if (!store->apply_wait(r)) ::_exit(3);
  const auto say = [&](char what, std::int64_t sequence) {
    const std::string line = cat(what, " ", sequence, "\n");
    if (::write(report_fd, line.data(), line.size()) < 0) ::_exit(4);
  };
  while (true) {
    for (int i = 0; i < 4; ++i) {
      Submit s;
      s.job.id = ids.next(clock.now().utc);
      s.job.owner = "k";
      s.job.effective.input = "/media/in.mkv";
      const auto reply = store->apply_wait(s);
      if (!reply) ::_exit(5);
      say('s', reply->job.sequence_number);
    }
    const auto claimed = store->apply_wait(Claim{ids.next(clock.now().utc), r.new_node_id, r.instance_id, 4});
    if (!claimed) ::_exit(6);
    for (const auto& one : claimed->granted) {
      say('c', one.job.sequence_number);
      Finish f;
      f.attempt_id = one.attempt.id;
      f.node_id = r.new_node_id;
      f.result.result_id = ids.next(clock.now().utc);
      f.result.status = ResultStatus::kCompleted;
      if (!store->apply_wait(f)) ::_exit(7);
      say('f', one.job.sequence_number);
    }
  }
}

// Not a test by itself: the child's way in.
TEST(SqliteKilledChild, WorksUntilItIsKilled) {
  if (const char* path = std::getenv(kChildPath)) work_for_ever(path, STDOUT_FILENO);
}

// What the child said before it was killed in the middle of things, once it had said so many lines.
std::string run_and_kill(const std::string& path, std::ptrdiff_t lines) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    // A program of its own: a fork of this one has none of its threads, and no sanitizer allows it new ones.
    ::dup2(ends[1], STDOUT_FILENO);
    ::setenv(kChildPath, path.c_str(), 1);
    ::execl("/proc/self/exe", "store_test", "--gtest_filter=SqliteKilledChild.*", "--gtest_brief=1", nullptr);
    ::_exit(9);
  }
  ::close(ends[1]);
  std::string said;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    said.append(buffer, static_cast<std::size_t>(n));
    if (std::count(said.begin(), said.end(), '\n') >= lines) ::kill(child, SIGKILL);
  }
  int wait_status = 0;
  ::waitpid(child, &wait_status, 0);
  EXPECT_TRUE(WIFSIGNALED(wait_status)) << "exit " << WEXITSTATUS(wait_status);
  ::close(ends[0]);
  return said;
}

// contract: F25
TEST_P(SqliteStoreTest, WhatWasReportedCommittedIsThereAfterAKill) {
  const std::string path = dir / "killed.db";
  std::map<std::int64_t, char> expected;
  for (const std::ptrdiff_t so_many : {1, 6, 17, 40, 90}) {
    const std::string said = run_and_kill(path, so_many);
    const auto lines = split(said, '\n');
    ASSERT_GT(static_cast<std::ptrdiff_t>(lines.size()), so_many);
    // The last piece is behind the last newline: empty, or a line that was cut.
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
      const auto sequence = lines[i].size() > 2 ? parse_int(lines[i].substr(2)) : std::nullopt;
      if (sequence) expected[*sequence] = lines[i][0];  // the rest is the test framework's banner
    }
  }
  auto opened = open_sqlite_store(path, settings, clock, ids);
  ASSERT_TRUE(opened) << opened.error().message;
  for (const auto& [sequence, last] : expected) {
    const auto found = (*opened)->job(sequence);
    ASSERT_TRUE(found);
    ASSERT_TRUE(*found) << "job " << sequence << " was acknowledged and is gone";
    const JobState state = (*found)->view.job.now.status;
    const bool done = state == JobState::kCompleted;
    EXPECT_TRUE(last == 's' || done || (last == 'c' && state == JobState::kAssigned)) << sequence << last;
    EXPECT_EQ((*found)->transitions.back().to, state) << sequence;
  }
}

}  // namespace
}  // namespace ffrtmp::store
