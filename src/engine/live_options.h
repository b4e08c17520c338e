#pragma once
// Options of a run whose output is a live stream: RTMP as FLV, SRT and UDP as MPEG-TS. Pure.
#include "engine/engine.h"

namespace ffrtmp::engine {

// Of the output: as asked, else the input's, else 30.
[[nodiscard]] double usual_fps(const model::Parameters& parameters, const InputFacts& input);
// Pictures from one to start at to the next: those of two seconds.
[[nodiscard]] long long key_frame_interval(const model::Parameters& parameters, const InputFacts& input);

// The rate is a ceiling as well, and a picture to start at comes every two seconds.
[[nodiscard]] std::vector<std::string> live_video_options(const model::Parameters& parameters, const InputFacts& input);
// 48 kHz stereo, which every receiver takes.
[[nodiscard]] std::vector<std::string> live_audio_options();
// Muxer and address; a key that must not be seen in a process list comes from a file.
[[nodiscard]] std::vector<std::string> live_output_options(const LiveOutput& live, const std::string& muxer);

}  // namespace ffrtmp::engine
