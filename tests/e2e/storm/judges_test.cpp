// The judges of the storm see what they are there to see.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "sys/cgroup.h"
#include "tests/e2e/box.h"
#include "tests/e2e/storm/census.h"
#include "tests/e2e/storm/output_watch.h"
#include "tests/support/own_cgroup.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

class OutputJudge : public testing::Test {
 protected:
  OutputJudge() {
    for (const char* name : {"out", "scratch"}) fs::create_directories(dir_ / name);
    const Ran made =
        run_command({"ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=size=128x72:rate=30", "-t",
                     "1", "-c:v", "libx264", "-preset", "ultrafast", dir_ / "whole.mp4"});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    watch_.emplace(dir_ / "out", dir_ / "scratch", findings_);
    watch_->expect("o.mp4", {128, 30, 0});
  }
  void appear(const std::string& content) {
    write_file(dir_ / "scratch/made", content);
    fs::rename(dir_ / "scratch/made", dir_ / "out/o.mp4");
    const int before = appearances_;
    EXPECT_TRUE(eventually([&] { return watch_->appearances() > before; }, 5s));
    appearances_ = watch_->appearances();
  }
  // Lets the watch see that nothing more comes.
  void close(bool has_new) {
    watch_->close("o.mp4", has_new);
    std::this_thread::sleep_for(300ms);
  }
  [[nodiscard]] std::string whole() const { return read_file(dir_ / "whole.mp4"); }

  TempDir dir_;
  Findings findings_;
  std::optional<OutputWatch> watch_;

 private:
  int appearances_ = 0;
};

TEST_F(OutputJudge, HasNothingAgainstAWholeFile) {
  appear(whole());
  close(true);
  watch_->judge_end();
  EXPECT_THAT(findings_.all(), ElementsAre());
}

TEST_F(OutputJudge, SeesHalfAFile) {
  appear(whole().substr(0, whole().size() - 2000));
  watch_->judge_new();
  EXPECT_THAT(findings_.all(), ElementsAre(HasSubstr("was not whole")));
}

TEST_F(OutputJudge, SeesHalfAFileThatIsWholeInTheEnd) {
  appear(whole().substr(0, whole().size() / 2));
  appear(whole());
  close(true);
  watch_->judge_end();
  EXPECT_THAT(findings_.all(), ElementsAre(HasSubstr("was not whole")));
}

TEST_F(OutputJudge, SeesAFileWrittenInPlace) {
  appear(whole());
  std::ofstream(dir_ / "out/o.mp4", std::ios::app) << "more";
  EXPECT_TRUE(eventually([&] { return !findings_.all().empty(); }, 5s));
  EXPECT_THAT(findings_.all().front(), HasSubstr("is written to"));
}

TEST_F(OutputJudge, SeesAnOutputThatComesAfterAnEndWithoutCompletion) {
  appear(whole());
  close(false);
  fs::remove(dir_ / "out/o.mp4");  // a worker that came back: allowed
  std::this_thread::sleep_for(200ms);
  EXPECT_THAT(findings_.all(), ElementsAre());
  appear(whole());
  EXPECT_THAT(findings_.all(), ElementsAre(HasSubstr("appears after its job's end")));
}

TEST_F(OutputJudge, SeesATouchAfterCompletion) {
  appear(whole());
  close(true);
  fs::remove(dir_ / "out/o.mp4");
  EXPECT_TRUE(eventually([&] { return !findings_.all().empty(); }, 5s));
  EXPECT_THAT(findings_.all().front(), HasSubstr("touched after its job's completion"));
}

TEST_F(OutputJudge, SeesAnOutputOfAJobThatIsNotCompletedAndAPartialFile) {
  appear(whole());
  write_file(dir_ / "out/o.x.part.mp4", "");
  close(false);
  watch_->judge_end();
  EXPECT_THAT(findings_.all(), ElementsAre(HasSubstr("is not completed"), HasSubstr("left in the output directory")));
}

TEST_F(OutputJudge, SeesAPathWithoutItsOldFile) {
  write_file(dir_ / "scratch/made", "old");
  watch_->expect("p.mp4", {128, 30, 0}, "old");
  fs::rename(dir_ / "scratch/made", dir_ / "out/p.mp4");
  fs::remove(dir_ / "out/p.mp4");
  EXPECT_TRUE(eventually([&] { return !findings_.all().empty(); }, 5s));
  EXPECT_THAT(findings_.all().front(), HasSubstr("is gone"));
}

TEST(DoubleWatch, SeesTwoAttemptsForOneOutput) {
  const auto own = test::find_own_cgroup(sys::Host::real());
  if (!own) GTEST_SKIP() << "no unified group to write: " << own.error().message;
  const TempDir dir;
  const std::string base = cat(*own, "/ffrtmp-storm-judge-", getpid());
  Findings findings;
  {
    DoubleWatch watch(base, findings);
    const auto first = make_cgroup(base + "/ffrtmp/a1");
    const auto second = make_cgroup(base + "/ffrtmp/a2");
    ASSERT_TRUE(first && second);
    const auto engine = [&](const sys::Cgroup& group, const std::string& attempt) {
      return Process({"sh", "-c", "sleep 60; :", cat("/out/o.", attempt, ".part.mp4")}, dir / "log", {},
                     group.dir().get());
    };
    Process one = engine(*first, "a1");
    ASSERT_TRUE(first->freeze(5s));
    Process two = engine(*second, "a2");
    std::this_thread::sleep_for(500ms);
    EXPECT_THAT(findings.all(), ElementsAre());  // one of them stands still
    ASSERT_TRUE(first->thaw());
    EXPECT_TRUE(eventually([&] { return !findings.all().empty(); }, 5s));
    EXPECT_THAT(findings.all(), ElementsAre(HasSubstr("at once for o:")));
    for (const sys::Cgroup* group : {&*first, &*second}) {
      EXPECT_TRUE(group->kill());
      EXPECT_TRUE(group->wait_empty(5s));
    }
  }
  EXPECT_TRUE(sys::remove_group(base));
}

TEST(Census, SeesAProcessByItsPaths) {
  const TempDir dir;
  EXPECT_THAT(living(dir.path(), ""), ElementsAre());
  const Process sleeper({"sleep", "60"}, dir / "log", {cat("MARK=", dir.path())});
  EXPECT_THAT(living(dir.path(), ""), ElementsAre(HasSubstr("sleep 60")));
}

}  // namespace
}  // namespace ffrtmp::test
