// parse_progress. Source: https://ffmpeg.org/ffmpeg.html, option -progress; keys as fftools/ffmpeg.c 5.1 prints them.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "engine/engine.h"

namespace ffrtmp::engine {
namespace {

// A number in front of `unit`; nothing for N/A.
std::optional<double> number_before(std::string_view value, std::string_view unit) {
  if (value.ends_with(unit)) value.remove_suffix(unit.size());
  return parse_number(trim(value));
}

// ffmpeg prints 0.00 for a rate it has not measured yet.
std::optional<double> measured(std::optional<double> rate) { return rate && *rate > 0 ? rate : std::nullopt; }

std::optional<std::int64_t> whole(std::string_view value) {
  const auto number = parse_int(trim(value));
  return number && *number >= 0 ? number : std::nullopt;
}

void take(model::Progress& out, std::string_view key, std::string_view value) {
  if (key == "frame")
    out.frame = whole(value);
  else if (key == "fps")
    out.fps = measured(number_before(value, ""));
  else if (key == "bitrate")
    out.bitrate_kbps = measured(number_before(value, "kbits/s"));
  else if (key == "total_size")
    out.size_bytes = whole(value);
  else if (key == "dup_frames")
    out.dup = whole(value);
  else if (key == "drop_frames")
    out.drop = whole(value);
  else if (key == "speed")
    out.speed = measured(number_before(value, "x"));
  // Both are microseconds; the older name lies.
  else if (key == "out_time_us" || key == "out_time_ms")
    if (const auto micros = whole(value)) out.out_time_ms = *micros / 1000;
}

}  // namespace

model::Progress parse_progress(std::string_view block, std::optional<double> duration_seconds) {
  model::Progress out;
  out.phase = model::Phase::kRunning;
  for (const std::string_view line : split(block, '\n')) {
    const std::size_t equals = line.find('=');
    if (equals != std::string_view::npos) take(out, trim(line.substr(0, equals)), line.substr(equals + 1));
  }
  if (duration_seconds && *duration_seconds > 0 && out.out_time_ms)
    out.percent = std::min(100.0, static_cast<double>(*out.out_time_ms) / 10.0 / *duration_seconds);
  return out;
}

model::RunStats run_stats(const model::Progress& last, double run_seconds) {
  model::RunStats stats;
  stats.frames = last.frame;
  stats.drop = last.drop;
  stats.dup = last.dup;
  stats.run_seconds = run_seconds;
  if (run_seconds <= 0) return stats;
  if (last.frame) stats.avg_fps = static_cast<double>(*last.frame) / run_seconds;
  if (last.out_time_ms) stats.speed = static_cast<double>(*last.out_time_ms) / 1000 / run_seconds;
  return stats;
}

}  // namespace ffrtmp::engine
