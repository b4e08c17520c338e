#pragma once
// What a stream can carry: not every codec fits every transport. Pure.
#include <optional>
#include <string>
#include <string_view>

#include "model/parameters.h"

namespace ffrtmp::model {

// "h264" of h264, libx264, h264_nvenc; "hevc" of both spellings and its encoders; "copy" and what nobody knows as they
// are.
[[nodiscard]] std::string codec_family(std::string_view codec_or_encoder);
// The same; nothing for what nobody knows.
[[nodiscard]] std::optional<std::string> known_codec_family(std::string_view codec_or_encoder);
// "hls", "rtmp", "srt", "udp" or "file".
[[nodiscard]] std::string protocol_of(const Parameters& parameters);

struct Misfit {
  std::string parameter;  // "codec"
  std::string message;
};
// What of the parameters their output cannot carry. Nothing is known of what is copied.
[[nodiscard]] std::optional<Misfit> find_misfit(const Parameters& parameters);

// FLV carries these since ffmpeg 6.1 (enhanced RTMP).
[[nodiscard]] bool needs_enhanced_rtmp(std::string_view protocol, std::string_view codec);
// By the version that ffmpeg names itself, "5.1.9-0+deb12u1" or "n6.1". False for one that is no number.
[[nodiscard]] bool has_enhanced_rtmp(std::string_view ffmpeg_version);

}  // namespace ffrtmp::model
