#pragma once
// What the store's tests stand on: every kind of store under one name, a clock moved by hand, and short words for the
// messages of callers, nodes and workers. A further backend joins all suites by one line in kBackends.
#include <gtest/gtest.h>

#include <memory>

#include "base/log.h"
#include "base/text.h"
#include "store/store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::store {

struct Backend {
  const char* name;
  bool durable;
  Result<std::unique_ptr<Store>> (*open)(const std::string& dir, const Settings&, const Clock&, IdSource&);
};

inline const Backend kBackends[] = {
    {"memory", false,
     [](const std::string&, const Settings& s, const Clock& c, IdSource& i) {
       return Result<std::unique_ptr<Store>>(open_memory_store(s, c, i));
     }},
    {"sqlite", true,
     [](const std::string& dir, const Settings& s, const Clock& c, IdSource& i) {
       return open_sqlite_store(dir + "/master.db", s, c, i);
     }},
};

#define FFRTMP_TEST_ALL_STORES(Suite)                                                      \
  INSTANTIATE_TEST_SUITE_P(Stores, Suite, ::testing::ValuesIn(::ffrtmp::store::kBackends), \
                           [](const auto& one) { return std::string(one.param.name); })

// A node that runs, as its worker process sees itself.
struct TestNode {
  Uuid id;
  Uuid instance;
};

inline model::Encoder encoder(std::string name, std::string codec, bool usable = true) {
  model::Encoder e;
  e.name = std::move(name);
  e.codec = std::move(codec);
  e.usable = usable;
  return e;
}

class StoreBed : public ::testing::TestWithParam<Backend> {
 protected:
  void SetUp() override {
    log::configure("test", log::Level::kError, log::Format::kText);
    open();
  }

  void open() {
    auto opened = GetParam().open(dir.path(), settings, clock, ids);
    ASSERT_TRUE(opened) << opened.error().message;
    store = *std::move(opened);
  }
  // A stop and a start of the master.
  void restart() {
    store.reset();
    open();
  }

  Uuid new_id() { return ids.next(clock.now().utc); }

  Submit a_job(const std::string& codec = "h264") {
    Submit submit;
    submit.job.id = new_id();
    submit.job.owner = "alice";
    submit.job.spec.scenario = "720p30-h264";
    submit.job.effective.input = "/media/in.mkv";
    submit.job.effective.codec = codec;
    return submit;
  }
  model::Job submit(Submit command) {
    auto reply = store->apply_wait(std::move(command));
    EXPECT_TRUE(reply) << reply.error().message;
    return reply ? reply->job : model::Job{};
  }
  model::Job submit() { return submit(a_job()); }

  model::NodeFacts facts(int slots = 1) {
    model::NodeFacts f;
    f.name = "box";
    f.cpu_threads = 4;
    f.ram_total_bytes = std::int64_t{8} << 30;
    f.engines = {{"ffmpeg", "5.1"}};
    f.encoders = {encoder("libx264", "h264")};
    f.slots = slots;
    return f;
  }
  RegisterNode registration(const model::NodeFacts& f) {
    RegisterNode r;
    r.new_node_id = new_id();
    r.instance_id = new_id();
    r.boot_id = "boot";
    r.facts = f;
    r.token_hash = "hash";
    return r;
  }
  TestNode add_node(const model::NodeFacts& f) {
    RegisterNode r = registration(f);
    auto reply = store->apply_wait(r);
    EXPECT_TRUE(reply) << reply.error().message;
    return {r.new_node_id, r.instance_id};
  }
  TestNode add_node(int slots = 1) { return add_node(facts(slots)); }

  Result<Claim::Reply> try_claim(const TestNode& node, int slots = 1) {
    return store->apply_wait(Claim{new_id(), node.id, node.instance, slots});
  }
  std::vector<Claim::Granted> claim(const TestNode& node, int slots = 1) {
    auto reply = try_claim(node, slots);
    EXPECT_TRUE(reply) << reply.error().message;
    return reply ? std::move(reply->granted) : std::vector<Claim::Granted>{};
  }
  // The only attempt of a claim that has to bring one.
  Uuid claim_one(const TestNode& node) {
    auto granted = claim(node);
    EXPECT_EQ(granted.size(), 1U);
    return granted.empty() ? Uuid{} : granted.front().attempt.id;
  }

  ReportProgress report(const TestNode& node, const Uuid& attempt, std::int64_t seq = 1) {
    ReportProgress r;
    r.attempt_id = attempt;
    r.node_id = node.id;
    r.seq = seq;
    r.progress.phase = model::Phase::kRunning;
    r.progress.frame = seq * 10;
    return r;
  }
  ReportProgress::Reply progress(const TestNode& node, const Uuid& attempt, std::int64_t seq = 1,
                                 std::vector<std::string> acks = {}) {
    ReportProgress r = report(node, attempt, seq);
    r.acks = std::move(acks);
    auto reply = store->apply_wait(std::move(r));
    EXPECT_TRUE(reply) << reply.error().message;
    return reply ? *std::move(reply) : ReportProgress::Reply{};
  }

  Finish a_result(const TestNode& node, const Uuid& attempt, model::ResultStatus status,
                  std::optional<model::FailureReason> reason = std::nullopt) {
    Finish f;
    f.attempt_id = attempt;
    f.node_id = node.id;
    f.result.result_id = new_id();
    f.result.status = status;
    f.result.failure_reason = reason;
    if (reason) f.result.error = "it broke";
    return f;
  }
  model::JobState finish(const TestNode& node, const Uuid& attempt, model::ResultStatus status,
                         std::optional<model::FailureReason> reason = std::nullopt) {
    auto reply = store->apply_wait(a_result(node, attempt, status, reason));
    EXPECT_TRUE(reply) << reply.error().message;
    return reply ? reply->job_status : model::JobState::kRejected;
  }
  model::JobState time_out(const TestNode& node, const Uuid& attempt, std::optional<model::TimeoutCause> cause) {
    Finish f = a_result(node, attempt, model::ResultStatus::kTimedOut, model::FailureReason::kTimeout);
    f.result.timeout_cause = cause;
    auto reply = store->apply_wait(std::move(f));
    EXPECT_TRUE(reply) << reply.error().message;
    return reply ? reply->job_status : model::JobState::kRejected;
  }

  Result<ControlJob::Reply> control(std::int64_t sequence, ControlJob::Kind kind) {
    ControlJob c;
    c.job = sequence;
    c.kind = kind;
    c.actor = "key:alice";
    return store->apply_wait(std::move(c));
  }
  Result<Heartbeat::Reply> heartbeat(const TestNode& node, std::vector<Uuid> attempts = {}) {
    return store->apply_wait(Heartbeat{node.id, node.instance, {}, std::move(attempts)});
  }
  Sweep::Reply sweep() {
    auto reply = store->apply_wait(Sweep{});
    EXPECT_TRUE(reply) << reply.error().message;
    return reply ? *reply : Sweep::Reply{};
  }
  void lose_lease() {
    clock.advance(settings.intervals.lease);
    sweep();
  }

  JobDetail detail(std::int64_t sequence) {
    auto found = store->job(sequence);
    EXPECT_TRUE(found) << found.error().message;
    EXPECT_TRUE(*found);
    return found && *found ? **found : JobDetail{};
  }
  model::JobState status(std::int64_t sequence) { return detail(sequence).view.job.now.status; }

  test::TempDir dir;
  test::ManualClock clock;
  test::SeededIds ids;
  Settings settings;
  std::unique_ptr<Store> store;
};

// For results that must be an error of one kind.
template <class T>
::testing::AssertionResult fails_with(const Result<T>& result, Errc code) {
  if (result) return ::testing::AssertionFailure() << "succeeded, expected " << wire_name(code);
  if (result.error().code == code) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << wire_name(result.error().code) << " (" << result.error().message
                                       << "), expected " << wire_name(code);
}

}  // namespace ffrtmp::store
