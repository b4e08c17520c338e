#pragma once
// How far a GStreamer pipeline is, by what `gst-launch-1.0 -v` prints of one identity element with silent=false before
// the muxer, named "frames" in the video, or "sound" where there is no video. With a second such element, lines get
// lost and doubled. A line a buffer, as GStreamer 1.22 prints it:
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
  // What is known so far in the form of an ffmpeg block: frame, out_time_us, progress=continue.
  [[nodiscard]] std::string block() const;

 private:
  void take_time(std::string_view line);

  std::int64_t frames_ = 0;
  // Encoders that reorder pictures move all times by a constant (x264enc: 1000 h), which the first one has as well.
  std::optional<std::int64_t> first_ns_;
  std::int64_t end_ns_ = 0;  // where the latest buffer ends
};

}  // namespace ffrtmp::supervisor
