#pragma once
// Whether an output is what was asked for, and whole. Exit codes and headers prove nothing: the judge reads the
// packets.
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "media/changes.h"
#include "media/probe.h"
#include "model/outcome.h"
#include "model/parameters.h"

namespace ffrtmp::media {

// Of one audio stream. Absent = not asked.
struct ExpectedAudio {
  double seconds = 0;
  std::optional<std::string> codec;
  std::optional<int> channels;
  double max_gap_seconds = 0;  // largest between two packets of the input
};

// What the output must be. Absent = not asked.
struct Expectation {
  std::optional<std::string> video_codec;  // ffprobe's name, "h264"
  std::optional<int> width;
  std::optional<int> height;
  std::optional<double> fps;  // 0.1 % off is allowed
  std::optional<std::string> pixel_format;
  std::optional<double> video_seconds;       // from the first picture to the start of the last one
  std::vector<ExpectedAudio> audio;          // in output order
  std::optional<double> total_seconds;       // of the input's packets, cut to `duration`
  std::optional<std::int64_t> video_frames;  // exact within tolerance
  std::optional<double> max_gap_seconds;     // largest between two pictures of the input
  double spare_seconds = 0;                  // by which ends may differ besides: a cut may fall into a gap of the input
  std::int64_t spare_frames = 0;
  int video_streams = 0;
  int audio_streams = 0;
  int subtitle_streams = 0;
  std::optional<int> chapters;
  Colour colour;             // a tag that is absent, or whose range is converted, is not asked for
  int rotation_degrees = 0;  // that a copied picture must still declare
  Changes changes;           // what else of the input the output changes or lacks, and is allowed to
};

// From the probed input (with packets) and the parameters. kInvalid (input_error) when the input itself is truncated:
// its container declares more than its packets hold.
[[nodiscard]] Result<Expectation> expect_output(const Probe& input, const model::Parameters& parameters,
                                                const std::vector<std::string>& maps, const std::string& muxer);

struct VerifyOptions {
  model::VerifyLevel level = model::VerifyLevel::kSample;
  std::string ffmpeg = "ffmpeg";
  std::string ffprobe = "ffprobe";
  std::string muxer;                           // how the output is read back
  std::optional<std::int64_t> frames_encoded;  // ffmpeg's own last count: what was encoded must be in the file
};

struct Verdict {
  bool good = false;
  std::string error;         // first finding, for a person: "the video ends at 8.00 s of 10.00 s"
  model::OutputInfo output;  // what was found, verified set, path left empty
};
// An error only when the check itself could not run (tool missing: kGone, timeout: kTimeout).
[[nodiscard]] Result<Verdict> verify_output(const std::string& path, const Expectation& expected,
                                            const VerifyOptions& options, const RunTool& run);

}  // namespace ffrtmp::media
