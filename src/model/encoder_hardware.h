#pragma once
// What ffmpeg has to be told so that an encoder reaches its hardware. The look at an encoder and the job that uses it
// must say the same, or the one proves nothing about the other. Pure.
// Source: https://trac.ffmpeg.org/wiki/HWAccelIntro and /Hardware/VAAPI
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ffrtmp::model {

enum class EncoderApi : std::uint8_t { kSoftware, kNvenc, kQsv, kVaapi };

// By the end of ffmpeg's name: "h264_nvenc".
[[nodiscard]] EncoderApi api_of(std::string_view encoder);

// Before the inputs: opens `device`, a render node, for the filters and the encoder. Nothing for NVENC and software.
[[nodiscard]] std::vector<std::string> open_device_options(EncoderApi api, const std::optional<std::string>& device);
// The end of the filter chain: pictures in `pixel_format` as the encoder takes them.
[[nodiscard]] std::string upload_filter(EncoderApi api, std::string_view pixel_format);
// After -c:v: which of several GPUs.
[[nodiscard]] std::vector<std::string> choose_device_options(EncoderApi api, const std::optional<std::string>& device);

}  // namespace ffrtmp::model
