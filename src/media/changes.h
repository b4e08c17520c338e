#pragma once
// What of an input, besides whole streams, an output holds in another form or not at all. Known before the run, so that
// a loss that is not named here is an error of the output. Pure.
#include <string>
#include <vector>

#include "media/probe.h"
#include "model/parameters.h"

namespace ffrtmp::media {

struct Changes {
  std::vector<std::string> converted;  // "rotation: the picture is turned by -90 degrees"
  std::vector<std::string> left_out;   // "2 chapters: mpegts cannot hold them"
};

// Of the input's chapters and of the streams that `maps` names, with their packets.
[[nodiscard]] Changes plan_changes(const Probe& input, const model::Parameters& parameters,
                                   const std::vector<std::string>& maps, const std::string& muxer);

// What a muxer keeps, as ffmpeg 5.1 writes it.
[[nodiscard]] bool holds_chapters(std::string_view muxer);
[[nodiscard]] bool holds_rotation(std::string_view muxer);

// The stream that a map like "0:2" names; null when there is none.
[[nodiscard]] const ProbedStream* mapped_stream(const Probe& input, std::string_view map);
// Channels of the output's audio for so many of the input's, by its codec: MP3 knows two.
[[nodiscard]] int channels_made(int channels, const model::Parameters& parameters, std::string_view muxer);

}  // namespace ffrtmp::media
