#pragma once
// Which of a node's encoders a job gets, and why. Pure.
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/node.h"
#include "model/parameters.h"

namespace ffrtmp::model {

struct ChosenEncoder {
  std::string name;  // "h264_vaapi", or "copy"
  std::optional<std::string> device;
  bool hardware = false;
  std::optional<std::string> session_device = std::nullopt;  // where it takes one of a bounded number of sessions
};
// The first usable encoder of the node that makes the codec (or has its name), fits the pixel format and the asked
// hardware, or where the job allows to fall back any; the node lists them in order of preference. "copy" for copy.
// kUnsupported: "no usable encoder for av1 (…)".
[[nodiscard]] Result<ChosenEncoder> choose_encoder(const Parameters& parameters, const std::vector<Encoder>& encoders);

// What a hardware encoder shares with those of other codecs and interfaces: "nvidia 0", "/dev/dri/renderD128".
[[nodiscard]] std::string device_of(const Encoder& encoder);
// The device of which the encoder takes a session, where these are bounded.
[[nodiscard]] std::optional<std::string> session_device(const Encoder& encoder);
[[nodiscard]] bool has_bounded_sessions(const std::vector<Encoder>& encoders);
// Those that need no session, or one of a device for which `has_session(device, sessions)` says yes.
[[nodiscard]] std::vector<Encoder> within_sessions(std::vector<Encoder> encoders,
                                                   const std::function<bool(const std::string&, int)>& has_session);

// What a job that asks for `codec` ("h264", "hevc") and nothing else gets there and why, in a sentence.
[[nodiscard]] std::string explain_choice(std::string_view codec, const std::vector<Encoder>& encoders);

}  // namespace ffrtmp::model
