#pragma once
// Which encoders of this node's ffmpeg work: each one that is compiled in encodes a few frames before it counts, on each
// device that it could use.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "media/encoder_trials.h"
#include "media/probe.h"
#include "model/gstreamer.h"
#include "model/node.h"

namespace ffrtmp::media {

// The reason of an encoder that this ffmpeg lacks.
inline constexpr std::string_view kNotCompiledIn = "not compiled in";

// What of an earlier look counts.
enum class Trust : std::uint8_t { kAll, kSoftwareOnly, kNothing };

struct DetectionRequest {
  std::string ffmpeg = "ffmpeg";
  std::string gst_launch = {};  // empty: GStreamer is not looked for
  EncodingDevices devices = {};
  int slots = 1;  // encodes that shall run at once
  Trust trust = Trust::kAll;
};

struct Detection {
  std::string version;                   // "5.1.9-0+deb12u1"
  std::vector<model::Encoder> encoders;  // in order of preference for a codec; unusable ones carry the reason
  std::optional<model::Gstreamer> gstreamer = std::nullopt;  // absent: not looked for
};

// Runs the trials, 5 s each, two at a time and one more a device, and counts sessions (encoder_sessions.h). kGone:
// "ffmpeg not found in PATH", or the path that was given.
[[nodiscard]] Result<Detection> detect_encoders(const DetectionRequest& request, const RunTool& run);

// The parts of it. All of `ffmpeg -version`, which tells libraries and build options as well; kGone as above.
[[nodiscard]] Result<std::string> read_version_text(const std::string& ffmpeg, const RunTool& run);
// Every encoder on every device; those in `known` are taken over without a trial, and ffmpeg is not run when all are.
[[nodiscard]] Result<std::vector<model::Encoder>> try_encoders(const std::string& ffmpeg,
                                                               const EncodingDevices& devices, const RunTool& run,
                                                               const std::vector<model::Encoder>& known = {});

// Version of the first line of `ffmpeg -version`; names of `ffmpeg -encoders`; formats of `ffmpeg -h encoder=X`. Pure.
[[nodiscard]] std::string parse_version(std::string_view text);
[[nodiscard]] std::vector<std::string> parse_encoder_names(std::string_view text);
[[nodiscard]] std::vector<std::string> parse_pixel_formats(std::string_view text);

}  // namespace ffrtmp::media
