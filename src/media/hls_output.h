#pragma once
// The playlist and segments of an HLS output: all there, none empty, and the list closed.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "media/packets.h"

namespace ffrtmp::media {

struct HlsList {
  std::vector<std::string> segments;  // as named, relative to the playlist
  std::vector<double> seconds;        // of each of them (EXTINF)
  bool closed = false;                // EXT-X-ENDLIST
};

// Pure. kCorrupt (line) for text that is no media playlist.
[[nodiscard]] Result<HlsList> parse_hls(std::string_view text);

struct HlsFiles {
  HlsList list;
  std::vector<std::string> paths;  // of the segments
  std::int64_t size_bytes = 0;     // of all
  std::string wrong;               // what is wrong first; empty when nothing is
};
[[nodiscard]] Result<HlsFiles> check_hls(const std::string& playlist);
// How the playlist differs from what the packets of its segments say, or "": a player seeks by it. Pure.
[[nodiscard]] std::string wrong_times(const HlsList& list, const Scan& scan);

}  // namespace ffrtmp::media
