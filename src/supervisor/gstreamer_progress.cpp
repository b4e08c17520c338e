#include "supervisor/gstreamer_progress.h"

#include <algorithm>

#include "base/text.h"

namespace ffrtmp::supervisor {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

// What stands between `key` and the next comma or closing bracket.
std::string_view value_of(std::string_view line, std::string_view key) {
  const std::size_t at = line.find(key);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = line.substr(at + key.size());
  return trim(rest.substr(0, rest.find_first_of(",)")));
}

// "1000:00:00.066666666" in nanoseconds; nothing for "none".
std::optional<std::int64_t> parse_time(std::string_view text) {
  const auto parts = split(text, ':');
  if (parts.size() != 3) return std::nullopt;
  const auto hours = parse_int(parts[0]);
  const auto minutes = parse_int(parts[1]);
  const std::size_t point = parts[2].find('.');
  if (point == std::string_view::npos) return std::nullopt;
  const auto seconds = parse_int(parts[2].substr(0, point));
  const auto ns = parse_int(parts[2].substr(point + 1));
  constexpr std::int64_t kMostHours = 1'000'000;
  if (!hours || !minutes || !seconds || !ns || *hours < 0 || *hours > kMostHours) return std::nullopt;
  for (const auto& [value, limit] :
       {std::pair{*minutes, std::int64_t{60}}, std::pair{*seconds, std::int64_t{60}}, std::pair{*ns, kNsPerSecond}})
    if (value < 0 || value >= limit) return std::nullopt;
  return ((*hours * 60 + *minutes) * 60 + *seconds) * kNsPerSecond + *ns;
}

constexpr std::string_view kFrame = "GstIdentity:frames: last-message = chain ";
constexpr std::string_view kSound = "GstIdentity:sound: last-message = chain ";

}  // namespace

bool GstreamerProgress::take(std::string_view line) {
  const bool is_frame = line.find(kFrame) != std::string_view::npos;
  if (!is_frame && line.find(kSound) == std::string_view::npos) return false;
  if (is_frame) ++frames_;
  take_time(line);
  return true;
}

void GstreamerProgress::take_time(std::string_view line) {
  const auto pts = parse_time(value_of(line, " pts: "));
  if (!pts) return;
  if (!first_ns_) first_ns_ = *pts;
  end_ns_ = std::max(end_ns_, *pts + parse_time(value_of(line, " duration: ")).value_or(0) - *first_ns_);
}

std::string GstreamerProgress::block() const {
  std::string out;
  if (frames_ > 0) out = cat("frame=", frames_, "\n");
  if (first_ns_) out += cat("out_time_us=", end_ns_ / 1000, "\n");
  return out + "progress=continue\n";
}

}  // namespace ffrtmp::supervisor
