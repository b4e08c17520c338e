// Source: RFC 8216, section 4.3.
#include "media/hls_output.h"

#include <sys/stat.h>

#include "base/text.h"
#include "media/bitstream.h"
#include "sys/file_io.h"

namespace ffrtmp::media {

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
      out.total_seconds += *seconds;
    } else if (line == "#EXT-X-ENDLIST") {
      out.closed = true;
    } else if (!line.empty() && line.front() != '#') {
      out.segments.emplace_back(line);
    }
  }
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
