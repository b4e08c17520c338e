#pragma once
// The engine's progress stream. ffmpeg's: "key=value" lines; a block ends with "progress=continue" or "progress=end".
// Source: ffmpeg(1), -progress. GStreamer's (gstreamer_progress.h) is turned into blocks of the same form.
#include <string>
#include <string_view>

#include "supervisor/gstreamer_progress.h"
#include "supervisor/link.h"

namespace ffrtmp::supervisor {

class ProgressParser {
 public:
  explicit ProgressParser(ProgressFormat format = ProgressFormat::kFfmpeg) : format_(format) {}

  // True when at least one block was completed by `data`.
  bool feed(std::string_view data);
  // The latest whole block, "key=value" lines, "" before the first.
  [[nodiscard]] const std::string& latest() const { return latest_; }

 private:
  bool take_line(std::string_view line);

  ProgressFormat format_;
  GstreamerProgress gstreamer_;
  std::string line_;   // the part of a line seen so far
  std::string block_;  // the lines of the block seen so far
  std::string latest_;
};

// What has to change for the engine to count as advancing: frame, out_time_us and total_size of a block.
[[nodiscard]] std::string advance_mark(std::string_view block);

}  // namespace ffrtmp::supervisor
