#pragma once
// Which encoders of this node's ffmpeg work: each one that is compiled in encodes a few frames before it counts.
// Software only so far; hardware is found per device by a later step of the same list.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "media/probe.h"
#include "model/node.h"

namespace ffrtmp::media {

struct Detection {
  std::string version;                   // "5.1.9-0+deb12u1"
  std::vector<model::Encoder> encoders;  // in order of preference for a codec; unusable ones carry the reason
};

// Runs the probes two at a time, 5 s each. kGone: "ffmpeg not found in PATH", or the path that was given.
[[nodiscard]] Result<Detection> detect_encoders(const std::string& ffmpeg, const RunTool& run);

// The parts of it. All of `ffmpeg -version`, which tells libraries and build options as well; kGone as above.
[[nodiscard]] Result<std::string> read_version_text(const std::string& ffmpeg, const RunTool& run);
// Every encoder of the list; those in `known` are taken over without a probe.
[[nodiscard]] Result<std::vector<model::Encoder>> probe_encoders(const std::string& ffmpeg, const RunTool& run,
                                                                 const std::vector<model::Encoder>& known = {});
// Whether `known` tells of every encoder of the list.
[[nodiscard]] bool is_complete(const std::vector<model::Encoder>& known);
// A failure that need not last, as a timeout on a busy machine; what is not compiled in stays so.
[[nodiscard]] bool is_worth_another_try(const model::Encoder& encoder);

// Version of the first line of `ffmpeg -version`; names of `ffmpeg -encoders`; formats of `ffmpeg -h encoder=X`. Pure.
[[nodiscard]] std::string parse_version(std::string_view text);
[[nodiscard]] std::vector<std::string> parse_encoder_names(std::string_view text);
[[nodiscard]] std::vector<std::string> parse_pixel_formats(std::string_view text);
// The contract's words for a failed probe.
[[nodiscard]] std::string probe_failure(int exit_code, std::string_view stderr_tail);

}  // namespace ffrtmp::media
