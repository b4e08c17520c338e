#pragma once
// How far a GStreamer pipeline is, by what `gst-launch-1.0 -v` prints of two identity elements with silent=false: one
// named "frames" before the muxer, one named "bytes" behind it. A line a buffer, as GStreamer 1.22 prints it:
//
//   /GstPipeline:pipeline0/GstIdentity:frames: last-message = chain   ******* (frames:sink) (2483 bytes, dts: …,
//     pts: 1000:00:00.066666666, duration: 0:00:00.033333333, offset: -1, …
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ffrtmp::supervisor {

class GstreamerProgress {
 public:
  // True when the line told of a buffer.
  bool take(std::string_view line);
  // What is known so far in the form of an ffmpeg block: frame, total_size, out_time_us, bitrate, progress=continue.
  [[nodiscard]] std::string block() const;

 private:
  void take_frame(std::string_view line);

  std::int64_t frames_ = 0;
  std::int64_t bytes_ = 0;
  // Encoders that reorder pictures move all times by a constant (x264enc: 1000 h), which the first one has as well.
  std::optional<std::int64_t> first_ns_;
  std::int64_t end_ns_ = 0;  // where the latest picture ends
};

}  // namespace ffrtmp::supervisor
