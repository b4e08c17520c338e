// scripts/run_labelled_tests.sh, which the suites beside it are made of, with programs that only say how they ended.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/text.h"
#include "tests/e2e/box.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::test {
namespace {

namespace fs = std::filesystem;

class LabelledTests : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(dir_ / "scripts");
    fs::copy_file(std::string(FFRTMP_SOURCE_DIR) + "/scripts/run_labelled_tests.sh",
                  dir_ / "scripts/run_labelled_tests.sh");
  }
  // A program that prints `line`.
  void build(const std::string& path, const std::string& line) {
    write_file(dir_ / path, cat("#!/bin/sh\necho '", line, "'\n"));
    fs::permissions(dir_ / path, fs::perms::owner_all);
  }
  Ran run(const std::string& program) {
    return run_command(
        {"/bin/bash", "-c",
         cat("source ", dir_ / "scripts/run_labelled_tests.sh", "; labelled label ", program, " '*'; finish")});
  }

  TempDir dir_;
};

TEST_F(LabelledTests, ProgramsOfTheReleaseBuildAreRun) {
  for (const char* other : {"asan", "tsan", "debug", "Z"}) {
    build(cat("build/", other, "/a_test"), "[  FAILED  ] of another build");
    build(cat("build/", other, "/b_test"), "[  FAILED  ] of another build");
  }
  build("build/a_test", "[  PASSED  ] 1 test.");
  build("build/tests/watch/b_test", "[  PASSED  ] 2 tests.");
  for (const char* program : {"a_test", "b_test"}) {
    const Ran ran = run(program);
    EXPECT_EQ(ran.exit_code, 0) << ran.out;
    EXPECT_EQ(ran.out, "ok      label\n1 of 1 passed\n");
  }
}

TEST_F(LabelledTests, NothingRunAndSkippedAreFailures) {
  build("build/none_test", "[  PASSED  ] 0 tests.");
  build("build/skips_test", "[  SKIPPED ] A.B\n[  PASSED  ] 1 test.");
  for (const char* program : {"none_test", "skips_test", "missing_test"}) {
    const Ran ran = run(program);
    EXPECT_EQ(ran.exit_code, 1) << program;
    EXPECT_NE(ran.out.find("FAILED  label"), std::string::npos) << ran.out;
  }
}

}  // namespace
}  // namespace ffrtmp::test
