#pragma once
// The input of a job that names none: a moving test picture with noise, and a tone. Pure.
// Source: https://ffmpeg.org/ffmpeg-filters.html#testsrc2 and #sine
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "media/probe.h"
#include "model/parameters.h"

namespace ffrtmp::media {

struct GeneratedLength {
  double seconds = 0;  // of media to make
  bool loops = false;  // shorter than the output: to be read again and again
};
// Above `most_seconds` no more than that is made.
[[nodiscard]] GeneratedLength generated_length(const model::Parameters& parameters, int most_seconds);

// The longest that making so much media may take: max(60 s, 10 times its length).
[[nodiscard]] std::chrono::milliseconds generation_limit(double seconds);

struct GenerationRequest {
  const model::Parameters& parameters;  // size, rate and whether there is sound
  double seconds = 0;
  std::string encoder;  // of H.264: "libx264", "h264_vaapi"
  std::optional<std::string> device;
  std::string output_path;
  std::string program = "ffmpeg";
};
// The ffmpeg command; "{progress}" stands for the progress pipe. What it makes is MP4, 8 bit 4:2:0.
[[nodiscard]] std::vector<std::string> plan_generation(const GenerationRequest& request);

// What a reader of `input` meets who reads it again from its start until `seconds` have passed: the same streams,
// longer. For expect_output().
[[nodiscard]] Probe looped(const Probe& input, double seconds);

}  // namespace ffrtmp::media
