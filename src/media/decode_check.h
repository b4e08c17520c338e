#pragma once
// Decodes an output, whole or in part, and listens to the decoder's complaints.
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "media/packets.h"
#include "model/parameters.h"

namespace ffrtmp::media {

struct Window {
  double start = 0;              // seconds from the start of the media, at a key frame where there is one
  std::optional<double> length;  // absent: to the end
  bool operator==(const Window&) const = default;
};

// What `level` decodes: nothing, first, middle and last 5 s (all of a file of at most 15 s), or all. Pure.
[[nodiscard]] std::vector<Window> plan_windows(const Scan& scan, model::VerifyLevel level);

struct DecodeRequest {
  std::string path;
  std::string ffmpeg = "ffmpeg";
  std::string demuxer;  // forced unless empty
  std::string codec;    // of the video, ffprobe's name
};
// What the decoder complained of first, or nothing. VP9 and AV1 are decoded by the libraries of their makers where ffmpeg
// has them: those notice when the arithmetic code of a picture does not end where it must, while ffmpeg's own and dav1d
// show what comes out. HEVC and VP8 have no such decoder. Two processes at most, of one thread each: on two cores that was
// 20 % faster than one process with all windows as inputs (0.85 s against 1.08 s for a 60 s clip in 720p).
[[nodiscard]] Result<std::optional<std::string>> find_decode_error(const DecodeRequest& request,
                                                                   const std::vector<Window>& windows,
                                                                   const RunTool& run);

}  // namespace ffrtmp::media
