#pragma once
// Media parameters of a job in their typed, resolved form, and the parts of a scenario name.
#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ffrtmp::model {

enum class OutputMode : std::uint8_t { kFile, kRtmp, kStream, kHls };
BOOST_DESCRIBE_ENUM(OutputMode, kFile, kRtmp, kStream, kHls)
enum class HwAccel : std::uint8_t { kAuto, kNone, kCuda, kQsv, kVaapi };
BOOST_DESCRIBE_ENUM(HwAccel, kAuto, kNone, kCuda, kQsv, kVaapi)
enum class AudioCodec : std::uint8_t { kAac, kOpus, kMp3, kCopy, kNone };
BOOST_DESCRIBE_ENUM(AudioCodec, kAac, kOpus, kMp3, kCopy, kNone)
// How much of the output is decoded before it is called good; packets are always scanned.
enum class VerifyLevel : std::uint8_t { kPackets, kSample, kFull };
BOOST_DESCRIBE_ENUM(VerifyLevel, kPackets, kSample, kFull)

struct Parameters {
  std::optional<std::string> input;   // path or URL; absent: generated
  std::optional<std::string> output;  // path or URL; absent: <work-dir>/outputs/job_<id>_output.<ext>
  OutputMode output_mode = OutputMode::kFile;
  std::optional<std::string> rtmp_url;
  std::optional<std::string> stream_key;  // [A-Za-z0-9_-]{1,128}; masked wherever it is shown
  std::string codec = "h264";             // h264 h265 hevc av1 vp8 vp9 copy, or the name of an encoder
  std::optional<std::int64_t> bitrate_bps;  // 50k-500M; wire key "bitrate"
  std::optional<int> crf;                   // 0-63; excludes bitrate
  std::string preset = "auto";
  std::optional<int> width;   // even, 16-8192; both or none
  std::optional<int> height;
  std::optional<double> fps;
  std::optional<double> duration_seconds;  // >0-86400; absent: the whole input
  std::string pixel_format = "yuv420p";
  HwAccel hwaccel = HwAccel::kAuto;
  std::optional<AudioCodec> audio_codec;  // absent: aac if the input has audio
  std::int64_t audio_bitrate_bps = 128000;
  std::vector<std::string> streams{"default"};  // "default", "all" or specifiers
  std::optional<VerifyLevel> verify;            // absent: the worker's --verify
  std::optional<int> threads;                   // 1-256
  bool allow_fallback = true;                   // false when encoder or hwaccel is named, unless given
  bool overwrite = false;
  std::vector<std::string> extra_args;  // flag, value, flag, value … from the allowed list
  bool operator==(const Parameters&) const = default;
};
BOOST_DESCRIBE_STRUCT(Parameters, (),
                      (input, output, output_mode, rtmp_url, stream_key, codec, bitrate_bps, crf, preset, width, height,
                       fps, duration_seconds, pixel_format, hwaccel, audio_codec, audio_bitrate_bps, streams, verify,
                       threads, allow_fallback, overwrite, extra_args))

// What a scenario name says, as far as it was understood: "1080p60-h265" -> 1920x1080, 60, h265.
struct ScenarioParsed {
  std::optional<int> width;
  std::optional<int> height;
  std::optional<double> fps;
  std::optional<std::string> codec;
  std::optional<std::string> pixel_format;
  std::optional<int> crf;
  std::optional<std::string> preset;
  std::vector<std::string> ignored;  // parts nobody understood
  bool operator==(const ScenarioParsed&) const = default;
};
BOOST_DESCRIBE_STRUCT(ScenarioParsed, (), (width, height, fps, codec, pixel_format, crf, preset, ignored))

}  // namespace ffrtmp::model
