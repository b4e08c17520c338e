#pragma once
// Real clips, made by ffmpeg once per test program: 320x180, a few seconds. For tests that link media.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "media/run_tool.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::test {

inline const media::RunTool& tool() {
  static const media::RunTool run = media::make_run_tool();
  return run;
}

// Runs a command of words separated by blanks; the test fails when it does.
inline void must_run(const std::string& words) {
  std::vector<std::string> argv;
  std::size_t start = 0;
  while (start < words.size()) {
    const std::size_t end = std::min(words.find(' ', start), words.size());
    if (end > start) argv.push_back(words.substr(start, end - start));
    start = end + 1;
  }
  const auto result = tool()(argv, std::chrono::seconds(60));
  if (!result)
    ADD_FAILURE() << words << ": " << result.error().message;
  else if (result->exit_code != 0)
    ADD_FAILURE() << words << "\n" << result->err;
}

inline const std::string kPicture = "-f lavfi -i testsrc2=size=320x180:rate=30 ";
inline const std::string kSound = "-f lavfi -i sine=frequency=1000:sample_rate=48000 ";
inline const std::string kH264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p ";

inline const TempDir& clip_dir() {
  static const TempDir dir;
  return dir;
}

// The clip of that name, made with `ffmpeg ARGS NAME` at its first use.
inline std::string clip(const std::string& name, const std::string& args) {
  static std::map<std::string, std::string> made;
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  auto& path = made[name];
  if (path.empty()) {
    path = clip_dir() / name;
    must_run("ffmpeg -nostdin -v error -y " + args + " " + path);
  }
  return path;
}

inline std::string plain_clip(const std::string& name = "plain.mp4") {
  return clip(name, kPicture + kSound + "-t 4 " + kH264 + "-c:a aac");
}

}  // namespace ffrtmp::test
