#pragma once
// The options that say the same thing differently to each encoder: speed preset and rate control. Pure.
#include <string>
#include <string_view>
#include <vector>

#include "model/parameters.h"

namespace ffrtmp::engine {

// ffmpeg's default of a job that names neither bitrate nor crf.
inline constexpr std::int64_t kDefaultBitrateBps = 2'000'000;

// "auto" by the threads a slot has: >=8 fast, >=4 veryfast, else ultrafast. Others are themselves.
[[nodiscard]] std::string resolve_preset(std::string_view preset, int threads_per_slot);
// Options for one of ultrafast..veryslow; none for an encoder without presets.
[[nodiscard]] std::vector<std::string> preset_options(std::string_view encoder, std::string_view preset);
// crf as crf, cq, global_quality or qp, else the bitrate.
[[nodiscard]] std::vector<std::string> rate_options(std::string_view encoder, const model::Parameters& parameters);
// What keeps an encoder's own chatter off stderr and its stream playable in the muxer.
[[nodiscard]] std::vector<std::string> habit_options(std::string_view encoder, std::string_view muxer);

}  // namespace ffrtmp::engine
