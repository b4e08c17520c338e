#pragma once
// For tests: one command line, run in this process, with what it prints.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "cli/main.h"

namespace ffrtmp::cli {

struct Ran {
  int code = 0;
  std::string out;
  std::string err;
};

inline Ran run_captured(const Roles& roles, const std::vector<std::string>& arguments) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Ran ran;
  ran.code = run(roles, arguments);
  fflush(stdout);
  ran.out = testing::internal::GetCapturedStdout();
  ran.err = testing::internal::GetCapturedStderr();
  return ran;
}

}  // namespace ffrtmp::cli
