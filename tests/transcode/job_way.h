#pragma once
// A job's way without the fleet: sniff, probe, choose, expect, encode, judge. The calls are the worker's own.
#include <functional>
#include <string>
#include <vector>

#include "media/stream_choice.h"
#include "media/verify.h"
#include "model/parameters.h"

namespace ffrtmp::test {

struct WayJob {
  std::string input;
  model::Parameters parameters;
  std::string extension = "mp4";
  std::string program = "ffmpeg";
  model::VerifyLevel level = model::VerifyLevel::kSample;
};

// A job whose engine has run.
struct Encoded {
  std::string stopped;  // empty: the output is to be judged; else "input", "choice", "plan", "engine", "engine said"
  std::string words;    // why
  std::string output;
  media::Expectation expected;
  media::VerifyOptions options;
  std::vector<std::string> left_out;  // streams and what else there is
};
// Writes OUTPUT, whose extension is the job's.
[[nodiscard]] Encoded encode(const WayJob& job, const std::string& output);

// "good", or "output: " and the words of the refusal.
[[nodiscard]] std::string judge(const Encoded& encoded, const std::string& path);

// The whole way: "good", or where it ended and why. `spoil` changes the output before it is judged.
[[nodiscard]] std::string refusal(const WayJob& job, const std::function<void(const std::string&)>& spoil = {});

}  // namespace ffrtmp::test
