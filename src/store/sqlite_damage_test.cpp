// Rows that cannot be read, as a bad disk or a hand in the file leaves them: whoever does not need such a row goes on.
#include <algorithm>

#include "store/sqlite_db.h"
#include "store/store_test_bed.h"

namespace ffrtmp::store {
namespace {

using model::JobState;
using model::ResultStatus;
using Numbers = std::vector<std::int64_t>;

// An id as SQL spells it.
std::string blob(const Uuid& id) {
  std::string text = id.str();
  std::erase(text, '-');
  return cat("x'", text, "'");
}

class SqliteDamageTest : public StoreBed {
 protected:
  // Statements on a connection of their own, behind the store's back.
  void behind(const std::string& sql) {
    auto db = Database::open(dir / "master.db", Database::Mode::kWriter);
    ASSERT_TRUE(db) << db.error().message;
    const Status done = db->execute(sql.c_str());
    ASSERT_TRUE(done) << done.error().message;
  }
  // Whether nobody holds an old snapshot: then the whole log can be moved into the database.
  bool log_can_be_emptied() {
    auto db = Database::open(dir / "master.db", Database::Mode::kWriter);
    Statement checkpoint(*db, "PRAGMA wal_checkpoint(TRUNCATE)");
    EXPECT_TRUE(db->execute("PRAGMA busy_timeout=0") && checkpoint.begin());
    const auto row = checkpoint.step();
    return row && *row && checkpoint.integer(0) == 0;
  }
  Numbers claimed(const TestNode& node, int slots) {
    Numbers numbers;
    for (const auto& one : claim(node, slots)) numbers.push_back(one.job.sequence_number);
    return numbers;
  }
  // A job that waits again after an attempt that was allowed to publish.
  std::int64_t released_with_grant(const TestNode& node) {
    const auto sequence = submit().sequence_number;
    const Uuid attempt = claim_one(node);
    EXPECT_TRUE(store->apply_wait(Publish{attempt, node.id, {"/o.mp4", 3, "ff"}}));
    EXPECT_TRUE(store->apply_wait(Release{attempt, node.id, "drained"}));
    return sequence;
  }
  // In a list, which does not need the rows of its attempts.
  std::optional<JobState> listed_state(std::int64_t sequence) {
    const auto page = store->list_jobs({}, std::nullopt, 100);
    EXPECT_TRUE(page) << page.error().message;
    if (!page) return std::nullopt;
    for (const JobView& view : page->jobs)
      if (view.job.sequence_number == sequence) return view.job.now.status;
    return std::nullopt;
  }
};
INSTANTIATE_TEST_SUITE_P(Disk, SqliteDamageTest, ::testing::Values(kBackends[1]),
                         [](const auto& one) { return std::string(one.param.name); });

TEST_P(SqliteDamageTest, ADamagedGrantOfAFormerAttemptStandsInNobodysWay) {
  const TestNode node = add_node(3);
  const auto bad = released_with_grant(node);
  const auto good = submit().sequence_number;
  behind(cat("UPDATE attempt SET \"grant\"='{\"pa' WHERE job_sequence=", bad));
  EXPECT_EQ(claimed(node, 3), Numbers{good});
  restart();
  EXPECT_EQ(claimed(node, 3), Numbers{});
  EXPECT_TRUE(control(bad, ControlJob::Kind::kCancel)) << "its own rows are whole";
}

TEST_P(SqliteDamageTest, ADamagedNodeStopsNoStartAndComesBackWhenItRegisters) {
  const TestNode bad = add_node();
  const TestNode good = add_node();
  behind(cat("UPDATE node SET facts='{\"na' WHERE id=", blob(bad.id)));
  ASSERT_NO_FATAL_FAILURE(restart());
  const auto left = store->nodes();
  ASSERT_TRUE(left) << left.error().message;
  ASSERT_EQ(left->size(), 1U);
  EXPECT_EQ(left->front().node.id, good.id);
  EXPECT_TRUE(heartbeat(good));
  RegisterNode again = registration(facts());
  again.node_id = bad.id;
  again.new_node_id = bad.id;
  const auto reply = store->apply_wait(again);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->node.id, bad.id);
  EXPECT_EQ(store->nodes()->size(), 2U);
}

// The master runs on while the row goes bad.
TEST_P(SqliteDamageTest, ANodeWhoseRowGoesBadKeepsItsInstancesInOrder) {
  const TestNode node = add_node();
  const auto sequence = submit().sequence_number;
  claim_one(node);
  behind("UPDATE node SET facts='{\"na'");
  RegisterNode same = registration(facts());
  same.node_id = node.id;
  same.new_node_id = node.id;
  same.instance_id = node.instance;
  ASSERT_TRUE(store->apply_wait(same));
  EXPECT_EQ(status(sequence), JobState::kAssigned) << "the same process, not a new one without its attempt";
  behind("UPDATE node SET facts='{\"na'");
  RegisterNode newer = same;
  newer.instance_id = new_id();
  ASSERT_TRUE(store->apply_wait(newer));
  behind("UPDATE node SET facts='{\"na'");
  EXPECT_TRUE(fails_with(store->apply_wait(same), Errc::kSuperseded));
}

TEST_P(SqliteDamageTest, AReaderThatMetADamagedRowSeesWhatComesLater) {
  add_node();
  const auto old = submit().sequence_number;
  behind("UPDATE transition SET attempt_id=x'00'; UPDATE node SET facts='{\"na'");
  for (int reader = 0; reader < 8; ++reader) {  // more than there are readers
    static_cast<void>(store->nodes());
    static_cast<void>(store->job(old));
    const auto later = submit().sequence_number;
    const auto found = store->job(later);
    EXPECT_TRUE(found && *found) << "a job that was acknowledged";
  }
  EXPECT_TRUE(log_can_be_emptied());
}

TEST_P(SqliteDamageTest, AWriterThatMetADamagedRowLetsTheLogBeShortened) {
  const TestNode node = add_node();
  submit();
  const Uuid attempt = claim_one(node);
  const Finish result = a_result(node, attempt, ResultStatus::kCompleted);
  ASSERT_TRUE(store->apply_wait(result));
  behind("UPDATE attempt_end SET result='{\"st'");
  const auto again = store->apply_wait(result);
  ASSERT_TRUE(fails_with(again, Errc::kCorrupt));
  EXPECT_NE(again.error().message.find("attempt_end, key 16777217 (job 1, attempt 1)"), std::string::npos)
      << again.error().message;
  submit();
  EXPECT_TRUE(log_can_be_emptied());
}

// Whatever is wrong with the row of an attempt that lives, its job is not stuck: the worker may end it.
TEST_P(SqliteDamageTest, ADamagedRowOfALiveAttemptStopsNeitherTheStartNorItsWorker) {
  for (const char* hurt :
       {"UPDATE attempt SET \"grant\"='{\"pa' WHERE id=", "UPDATE attempt SET node_id=x'00' WHERE id=",
        "UPDATE attempt SET id=x'00' WHERE id=", "DELETE FROM attempt WHERE id="}) {
    SCOPED_TRACE(hurt);
    const TestNode node = add_node(2);
    const auto bad = submit().sequence_number;
    const Uuid damaged = claim_one(node);
    submit();
    const Uuid whole = claim_one(node);
    store.reset();
    behind(cat(hurt, blob(damaged)));
    ASSERT_NO_FATAL_FAILURE(open());
    progress(node, whole, 1);
    EXPECT_EQ(finish(node, whole, ResultStatus::kCompleted), JobState::kCompleted);
    progress(node, damaged, 1);
    EXPECT_EQ(finish(node, damaged, ResultStatus::kCompleted), JobState::kCompleted);
    EXPECT_EQ(listed_state(bad), JobState::kCompleted);
  }
}

TEST_P(SqliteDamageTest, ALiveAttemptWithADamagedRowIsLostWithItsLease) {
  const TestNode node = add_node();
  const auto sequence = submit().sequence_number;
  claim_one(node);
  store.reset();
  behind("UPDATE attempt SET node_id=x'00'");
  ASSERT_NO_FATAL_FAILURE(open());
  lose_lease();
  EXPECT_EQ(listed_state(sequence), JobState::kQueued);
}

TEST_P(SqliteDamageTest, JobsOfADamagedClassAreQueuedAgainAtAStart) {
  for (const char* hurt : {"UPDATE requirement SET need='{\"en'", "DELETE FROM requirement"}) {
    SCOPED_TRACE(hurt);
    const auto first = submit().sequence_number;
    const auto bad = submit().sequence_number;
    const auto last = submit().sequence_number;
    store.reset();
    behind(hurt);
    behind(cat("UPDATE job_spec SET effective='{\"input' WHERE sequence=", bad));
    ASSERT_NO_FATAL_FAILURE(open());
    const TestNode node = add_node(4);
    EXPECT_EQ(claimed(node, 4), (Numbers{first, last}));
    restart();
    EXPECT_EQ(claimed(node, 4), Numbers{});
  }
}

// A group is rolled back, and with it the classes are read again, while one of them is damaged.
TEST_P(SqliteDamageTest, AClassThatGoesBadStopsNoOtherJob) {
  submit();
  const auto other = submit(a_job("hevc")).sequence_number;
  behind("UPDATE requirement SET need='{\"en' WHERE id=(SELECT min(id) FROM requirement)");
  behind("UPDATE job_spec SET effective='{\"input' WHERE sequence=1");
  EXPECT_TRUE(fails_with(control(1, ControlJob::Kind::kCancel), Errc::kCorrupt));
  model::NodeFacts f = facts(3);
  f.encoders.push_back(encoder("libx265", "hevc"));
  const TestNode node = add_node(f);
  EXPECT_EQ(claimed(node, 3), Numbers{other});
  const auto fresh = submit().sequence_number;
  EXPECT_EQ(claimed(node, 2), Numbers{fresh});
}

TEST_P(SqliteDamageTest, AListLeavesOutWhatCannotBeReadAndGoesOnBehindIt) {
  for (int i = 0; i < 6; ++i) submit();
  behind("UPDATE job_spec SET spec='{' WHERE sequence IN (3, 4)");
  Numbers seen;
  std::optional<std::int64_t> before;
  for (int pages = 0; pages < 10; ++pages) {
    const auto page = store->list_jobs({}, before, 2);
    ASSERT_TRUE(page) << page.error().message;
    for (const JobView& view : page->jobs) seen.push_back(view.job.sequence_number);
    before = page->next_before_sequence;
    if (!before) break;
  }
  EXPECT_EQ(seen, (Numbers{6, 5, 2, 1}));
  const auto bad = store->job(3);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Errc::kCorrupt);
  EXPECT_NE(bad.error().message.find("table job_spec, job 3"), std::string::npos) << bad.error().message;
}

TEST_P(SqliteDamageTest, AStateThatDoesNotExistIsDamage) {
  const auto bad = submit().sequence_number;
  const auto good = submit().sequence_number;
  store.reset();
  behind(cat("UPDATE job SET status=77 WHERE sequence=", bad));
  ASSERT_NO_FATAL_FAILURE(open());
  const auto found = store->job(bad);
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find(cat("table job, job ", bad)), std::string::npos) << found.error().message;
  EXPECT_EQ(*store->count_by_state(), (std::map<JobState, std::int64_t>{{JobState::kQueued, 1}}));
  EXPECT_EQ(claimed(add_node(2), 2), Numbers{good});
}

// What docs/architecture/store.md tells an operator to do.
TEST_P(SqliteDamageTest, ADamagedJobIsRemovedByHand) {
  Submit keyed = a_job();
  keyed.idempotency_key = "once";
  keyed.body_sha256 = "ab";
  const auto bad = submit(keyed).sequence_number;
  const auto good = submit().sequence_number;
  store.reset();
  behind(cat("UPDATE job_spec SET effective='{\"input' WHERE sequence=", bad));
  for (const char* table : {"queue", "progress", "job_spec", "job"})
    behind(cat("DELETE FROM ", table, " WHERE sequence=", bad));
  for (const char* table : {"attempt_end", "attempt"}) behind(cat("DELETE FROM ", table, " WHERE key>>24=", bad));
  ASSERT_NO_FATAL_FAILURE(open());
  EXPECT_EQ(claimed(add_node(3), 3), Numbers{good});
  const auto gone = store->job(bad);
  ASSERT_TRUE(gone) << gone.error().message;
  EXPECT_FALSE(gone->has_value());
  keyed.job.id = new_id();
  const auto again = store->apply_wait(keyed);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_FALSE(again->existing);
  EXPECT_GT(again->job.sequence_number, good) << "numbers are never given again";
}

}  // namespace
}  // namespace ffrtmp::store
