#pragma once
// Which encoders are tried on which device, and how. Pure.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/encoder_hardware.h"

namespace ffrtmp::media {

// What there is to encode on besides the CPU.
struct EncodingDevices {
  std::vector<std::string> nvidia;        // ffmpeg's -gpu, "0"
  std::vector<std::string> render_nodes;  // "/dev/dri/renderD128"
  std::vector<std::string> drivers;       // with versions: a new driver makes old answers void
};

struct Trial {
  std::string_view encoder;
  std::string_view codec;
  model::EncoderApi api = model::EncoderApi::kSoftware;
  std::optional<std::string> device;
  bool has_device = true;  // false: there is none it could run on
};

// In order of preference within a codec. Hardware once per device. NVENC is tried without any as well: ffmpeg says best
// what is missing.
[[nodiscard]] std::vector<Trial> plan_trials(const EncodingDevices& devices);

enum class Depth { k8Bit, k10Bit };
// Eight pictures, which is what an encoder may hold back; 640x360, as several refuse to encode less than 256x144.
[[nodiscard]] std::vector<std::string> trial_command(const std::string& ffmpeg, const Trial& trial, Depth depth);

// Two seconds at the pace at which they are watched: those that are started together are at work together.
[[nodiscard]] std::vector<std::string> session_command(const std::string& ffmpeg, const Trial& trial);

// The reason in a person's words for a trial that ended with `exit_code`.
[[nodiscard]] std::string trial_failure(int exit_code, std::string_view stderr_tail);

}  // namespace ffrtmp::media
