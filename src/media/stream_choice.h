#pragma once
// Which streams of an input the output keeps, and what it leaves out and why. Pure.
#include <string>
#include <vector>

#include "media/probe.h"
#include "model/parameters.h"

namespace ffrtmp::media {

struct StreamChoice {
  std::vector<std::string> maps;      // "0:0", "0:1" … in output order: video, audio, subtitles
  std::vector<std::string> left_out;  // "stream 3 (subtitle, dvd_subtitle): mp4 cannot hold it"
  int video_streams = 0;
  int audio_streams = 0;
  std::vector<std::string> subtitle_encoders;  // of each mapped subtitle stream: "copy", "mov_text", …
};

// "default": best video, all audio, subtitles where the muxer takes them. kInvalid: a specifier that matches nothing,
// or an input without any video or audio to keep.
[[nodiscard]] Result<StreamChoice> choose_streams(const Probe& input, const model::Parameters& parameters,
                                                  const std::string& muxer);

// ffmpeg's muxer for an output path by its extension ("mp4", "matroska", "mpegts", …); kInvalidField when unknown.
[[nodiscard]] Result<std::string> muxer_for(const std::string& path);

// Of an output that the job does not name: "mp4", or what can hold its codec.
[[nodiscard]] std::string default_extension(const model::Parameters& parameters);

}  // namespace ffrtmp::media
