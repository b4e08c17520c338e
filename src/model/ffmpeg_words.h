#pragma once
// What ffmpeg says, made the same for the same event. Pure.
#include <string>
#include <string_view>

namespace ffrtmp::model {

// "[h264 @ 0x55d57c797880] x" -> "[h264] x", wherever it stands: what differs from run to run tells nobody anything.
[[nodiscard]] std::string without_addresses(std::string_view text);

}  // namespace ffrtmp::model
