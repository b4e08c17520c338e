// Source: RFC 8216, section 4.3.
#include "media/hls_output.h"

#include <sys/stat.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "media/bitstream.h"
#include "sys/file_io.h"

namespace ffrtmp::media {

namespace {

constexpr double kEndSlackSeconds = 0.5;

std::string seconds_text(double seconds) { return cat(format_fixed(seconds, 2), " s"); }

const ProbedStream* leading_stream(const Probe& probe) {
  for (const std::string_view type : {"video", "audio"})
    for (const ProbedStream& stream : probe.streams)
      if (stream.type == type && !stream.is_attached_pic && stream.first_pts_seconds) return &stream;
  return nullptr;
}

std::vector<double> key_times(const Scan& scan, int stream) {
  std::vector<double> out;
  for (const Packet& packet : scan.packets)
    if (packet.stream == stream && packet.key && !std::isnan(packet.pts)) out.push_back(packet.pts);
  std::sort(out.begin(), out.end());
  return out;
}

// Sorted times.
bool has_near(const std::vector<double>& times, double time, double slack) {
  const auto at = std::lower_bound(times.begin(), times.end(), time - slack);
  return at != times.end() && *at <= time + slack;
}

}  // namespace

std::string wrong_times(const HlsList& list, const Scan& scan) {
  const ProbedStream* const lead = leading_stream(scan.probe);
  if (lead == nullptr) return {};
  const double first = *lead->first_pts_seconds;
  const double slack = std::max(0.05, lead->fps ? 1.5 / *lead->fps : 0);
  const std::vector<double> keys = key_times(scan, lead->index);
  double begin = first;
  for (std::size_t i = 0; i < list.segments.size(); ++i) {
    if (i > 0 && lead->type == "video" && !has_near(keys, begin, slack))
      return cat("segment ", list.segments[i], " should begin with a key frame at ", seconds_text(begin - first));
    begin += list.seconds[i];
  }
  const double told = begin - first;
  const double found = lead->end_seconds.value_or(begin) - first;
  if (std::abs(told - found) > std::max(kEndSlackSeconds, 0.02 * found))
    return cat("the playlist says ", seconds_text(told), ", its segments hold ", seconds_text(found));
  return {};
}

Result<HlsList> parse_hls(std::string_view text) {
  HlsList out;
  std::size_t number = 0;
  for (const std::string_view raw : split(text, '\n')) {
    const std::string_view line = trim(raw);
    if (++number == 1 && line != "#EXTM3U") return make_error(Errc::kCorrupt, "playlist:1: not #EXTM3U");
    if (line.starts_with("#EXTINF:")) {
      const std::string_view value = line.substr(8);
      const auto seconds = parse_number(value.substr(0, value.find(',')));
      if (!seconds) return make_error(Errc::kCorrupt, cat("playlist:", number, ": EXTINF"));
      out.seconds.push_back(*seconds);
    } else if (line == "#EXT-X-ENDLIST") {
      out.closed = true;
    } else if (!line.empty() && line.front() != '#') {
      out.segments.emplace_back(line);
    }
  }
  if (out.seconds.size() != out.segments.size())
    return make_error(Errc::kCorrupt, cat("playlist:", number, ": ", out.segments.size(), " segments, ",
                                          out.seconds.size(), " times"));
  return out;
}

Result<HlsFiles> check_hls(const std::string& playlist) {
  FFRTMP_ASSIGN(const std::string text, sys::read_text(playlist, 16 << 20));
  HlsFiles out;
  FFRTMP_ASSIGN(out.list, parse_hls(text));
  const std::string dir = playlist.substr(0, playlist.rfind('/') + 1);
  out.size_bytes = static_cast<std::int64_t>(text.size());
  if (!out.list.closed) out.wrong = "the playlist is not closed (no EXT-X-ENDLIST)";
  if (out.list.segments.empty()) out.wrong = "the playlist names no segment";
  for (const std::string& segment : out.list.segments) {
    struct stat info {};
    const std::string& path = out.paths.emplace_back(cat(dir, segment));
    if (segment.find('/') != std::string::npos)
      out.wrong = cat("segment ", segment, " lies elsewhere");
    else if (lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode))
      out.wrong = cat("segment ", segment, " is missing");
    else if (info.st_size == 0)
      out.wrong = cat("segment ", segment, " is empty");
    if (!out.wrong.empty()) return out;
    out.size_bytes += info.st_size;
    FFRTMP_ASSIGN(const auto damage, find_ts_damage(path));
    if (damage) out.wrong = cat(segment, ": ", *damage);
  }
  return out;
}

}  // namespace ffrtmp::media
