#include "worker/attempt_dir.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/support/manual_clock.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::worker {
namespace {

namespace fs = std::filesystem;

mode_t mode_of(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

class AttemptDirs : public testing::Test {
 protected:
  Notes notes_of(const Uuid& id) {
    Notes notes;
    notes.claim.attempt.id = id;
    notes.claim.attempt.fence_ms = 80'000;
    notes.claim.job.parameters.input = "/m/a \"b\" \n.mkv";
    notes.boot_id = "boot";
    notes.output_dir = "/m";
    notes.output_name = "film.mp4";
    notes.staged_name = "film.1.part.mp4";
    notes.input_seconds = 12.5;
    notes.may_replace = true;
    notes.staged_inode = 1ULL << 63;  // inode numbers fill 64 bits on some file systems
    return notes;
  }

  Uuid next() { return ids_.next(UtcTime{}); }

  test::TempDir dir_;
  test::SeededIds ids_;
  const std::string attempts_ = dir_ / "attempts";
};

TEST_F(AttemptDirs, NotesComeBackAsTheyWereSaved) {
  const Uuid id = next();
  const AttemptDir dir(attempts_, id);
  ASSERT_TRUE(dir.create());
  ASSERT_TRUE(dir.create()) << "again, after a crash";
  ASSERT_TRUE(dir.save_notes(notes_of(id)));
  const auto loaded = dir.load_notes();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->claim.attempt.id, id);
  EXPECT_EQ(loaded->claim.attempt.fence_ms, 80'000);
  EXPECT_EQ(loaded->claim.job.parameters.input, "/m/a \"b\" \n.mkv");
  EXPECT_EQ(loaded->input_seconds, 12.5);
  EXPECT_TRUE(loaded->may_replace);
  EXPECT_EQ(loaded->staged_inode, 1ULL << 63);
}

// contract: F46
TEST_F(AttemptDirs, AreForTheirOwnerAlone) {
  const Uuid id = next();
  const AttemptDir dir(attempts_, id);
  ASSERT_TRUE(dir.create());
  ASSERT_TRUE(dir.save_notes(notes_of(id)));
  ASSERT_TRUE(dir.save_result({}));
  EXPECT_EQ(mode_of(dir.path()), 0700U);
  EXPECT_EQ(mode_of(dir.path() + "/worker.json"), 0600U);
  EXPECT_EQ(mode_of(dir.path() + "/result.json"), 0600U);
}

TEST_F(AttemptDirs, AResultComesBackAsItWasSaved) {
  const AttemptDir dir(attempts_, next());
  ASSERT_TRUE(dir.create());
  const auto none = dir.load_result();
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::kGone);
  model::AttemptResult result;
  result.result_id = next();
  result.status = model::ResultStatus::kFailed;
  result.failure_reason = model::FailureReason::kOutputError;
  result.error = "the output ends at 3.2 s";
  ASSERT_TRUE(dir.save_result(result));
  const auto loaded = dir.load_result();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->result_id, result.result_id);
  EXPECT_EQ(loaded->failure_reason, model::FailureReason::kOutputError);
  EXPECT_EQ(loaded->error, result.error);
  EXPECT_FALSE(loaded->exit_code) << "the unmeasured stays absent";
}

TEST_F(AttemptDirs, ABrokenResultIsNoResult) {
  const AttemptDir dir(attempts_, next());
  ASSERT_TRUE(dir.create());
  for (const char* text : {"", "{", "[]", "null", R"({"result_id":7})", R"({"status":"banana"})"}) {
    test::write_file(dir.path() + "/result.json", text);
    EXPECT_FALSE(dir.load_result()) << text;
  }
}

TEST_F(AttemptDirs, OnlyThoseWithReadableNotesAreTakenUp) {
  const Uuid good = next();
  ASSERT_TRUE(AttemptDir(attempts_, good).create());
  ASSERT_TRUE(AttemptDir(attempts_, good).save_notes(notes_of(good)));
  std::vector<Uuid> bad;
  for (const char* text : {"", "{\"claim\":", "\xff\xfe", "{}"}) {
    bad.push_back(next());
    ASSERT_TRUE(AttemptDir(attempts_, bad.back()).create());
    test::write_file(AttemptDir(attempts_, bad.back()).path() + "/worker.json", text);
  }
  const Uuid bare = next();
  ASSERT_TRUE(AttemptDir(attempts_, bare).create());
  test::write_file(attempts_ + "/notes.txt", "not ours");
  fs::create_directory(attempts_ + "/lost+found");

  const auto left = AttemptDir::left_over(attempts_);
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].claim.attempt.id, good);
  // Their processes are found by their directories, so these stay until the processes are dead.
  for (const Uuid& id : bad) EXPECT_TRUE(fs::exists(AttemptDir(attempts_, id).path()));
  AttemptDir::sweep(attempts_, {good.str()});
  EXPECT_TRUE(fs::exists(AttemptDir(attempts_, good).path() + "/worker.json"));
  for (const Uuid& id : bad) EXPECT_FALSE(fs::exists(AttemptDir(attempts_, id).path()));
  EXPECT_FALSE(fs::exists(AttemptDir(attempts_, bare).path()));
  EXPECT_TRUE(fs::exists(attempts_ + "/notes.txt")) << "what is not named as an attempt is left alone";
  EXPECT_TRUE(fs::exists(attempts_ + "/lost+found"));
}

// Notes copied from another attempt would let one be run twice.
TEST_F(AttemptDirs, NotesOfAnotherAttemptAreNotReadable) {
  const Uuid id = next();
  ASSERT_TRUE(AttemptDir(attempts_, id).create());
  ASSERT_TRUE(AttemptDir(attempts_, id).save_notes(notes_of(next())));
  EXPECT_TRUE(AttemptDir::left_over(attempts_).empty());
}

TEST_F(AttemptDirs, NoAttemptsDirectoryNoAttempts) {
  EXPECT_TRUE(AttemptDir::left_over(dir_ / "none").empty());
  test::write_file(dir_ / "file", "x");
  EXPECT_TRUE(AttemptDir::left_over(dir_ / "file").empty());
}

TEST_F(AttemptDirs, RemovalDoesNotFollowLinks) {
  test::write_file(dir_ / "precious/file", "x");
  const Uuid id = next();
  const AttemptDir dir(attempts_, id);
  ASSERT_TRUE(dir.create());
  fs::create_directory_symlink(dir_ / "precious", dir.path() + "/link");
  dir.remove();
  EXPECT_FALSE(fs::exists(dir.path()));
  EXPECT_TRUE(fs::exists(dir_ / "precious/file"));
  fs::create_directory_symlink(dir_ / "precious", dir.path());
  EXPECT_TRUE(AttemptDir::left_over(attempts_).empty());
  AttemptDir::sweep(attempts_, {});
  EXPECT_TRUE(fs::is_empty(attempts_));
  EXPECT_TRUE(fs::exists(dir_ / "precious/file"));
}

}  // namespace
}  // namespace ffrtmp::worker
