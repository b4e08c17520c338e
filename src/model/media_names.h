#pragma once
// Names that media parameters take: codecs, presets, pixel formats. The lists of the API, not of ffmpeg.
#include <algorithm>
#include <array>
#include <string_view>

namespace ffrtmp::model {

inline constexpr std::array<std::string_view, 7> kCodecs{"h264", "h265", "hevc", "av1", "vp8", "vp9", "copy"};
inline constexpr std::array<std::string_view, 10> kPresets{"auto", "ultrafast", "superfast", "veryfast", "faster",
                                                           "fast", "medium",    "slow",      "slower",   "veryslow"};
inline constexpr std::array<std::string_view, 6> kPixelFormats{"yuv420p",     "yuv422p", "yuv444p",
                                                               "yuv420p10le", "nv12",    "p010le"};

[[nodiscard]] constexpr bool is_codec_name(std::string_view name) {
  return std::find(kCodecs.begin(), kCodecs.end(), name) != kCodecs.end();
}
[[nodiscard]] constexpr bool is_preset(std::string_view name) {
  return std::find(kPresets.begin(), kPresets.end(), name) != kPresets.end();
}
[[nodiscard]] constexpr bool is_pixel_format(std::string_view name) {
  return std::find(kPixelFormats.begin(), kPixelFormats.end(), name) != kPixelFormats.end();
}

// What a stream holds in which this format was asked for: the semi-planar ones are layouts of memory, no more.
[[nodiscard]] constexpr std::string_view stored_format(std::string_view asked) {
  return asked == "nv12" ? "yuv420p" : asked == "p010le" ? "yuv420p10le" : asked;
}

}  // namespace ffrtmp::model
