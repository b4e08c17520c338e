#include "supervisor/progress.h"

#include "base/text.h"

namespace ffrtmp::supervisor {
namespace {

// ffmpeg writes about 20 lines of 30 bytes; what exceeds these is no progress and is left out.
constexpr std::size_t kMaxLine = 4096;
constexpr std::size_t kMaxBlock = 16 << 10;

}  // namespace

bool ProgressParser::feed(std::string_view data) {
  bool completed = false;
  while (!data.empty()) {
    const auto newline = data.find('\n');
    const std::string_view piece = data.substr(0, newline);
    if (line_.size() <= kMaxLine) line_ += piece.substr(0, kMaxLine + 1 - line_.size());
    if (newline == std::string_view::npos) break;
    data.remove_prefix(newline + 1);
    completed |= take_line(line_);
    line_.clear();
  }
  if (completed && format_ == ProgressFormat::kGstreamer) latest_ = gstreamer_.block();
  return completed;
}

bool ProgressParser::take_line(std::string_view line) {
  line = trim(line);
  if (format_ == ProgressFormat::kGstreamer) return line.size() <= kMaxLine && gstreamer_.take(line);
  if (line.size() > kMaxLine || line.find('=') == std::string_view::npos) return false;
  const bool ends_block = line.starts_with("progress=");
  if (ends_block || block_.size() + line.size() < kMaxBlock) {
    block_ += line;
    block_ += '\n';
  }
  if (!ends_block) return false;
  latest_.swap(block_);
  block_.clear();
  return true;
}

std::string advance_mark(std::string_view block) {
  std::string mark;
  for (const std::string_view line : split(block, '\n'))
    if (line.starts_with("frame=") || line.starts_with("out_time_us=") || line.starts_with("total_size="))
      mark += cat(line, ";");
  return mark;
}

}  // namespace ffrtmp::supervisor
