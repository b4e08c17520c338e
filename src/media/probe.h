#pragma once
// What ffprobe says of a file: its container, streams, and (slower) every packet's time and place.
#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/outcome.h"

namespace ffrtmp::media {

struct ToolResult {
  int exit_code = -1;  // 128+n after signal n
  std::string out;
  std::string err;  // last 64 KiB
};
// Gets stdout in pieces, as it comes; an error ends the tool, and is what the caller gets.
using TakeOutput = std::function<Status(std::string_view piece)>;

// Runs a tool to its end: argv, no shell, killed with its group after `timeout` or when it is canceled (run_tool.h).
// Handed in, so that tests and the worker's cgroups decide how.
class RunTool {
 public:
  using Argv = std::vector<std::string>;

  // From a callable that hands the output on as it comes, or from one that has it whole at the end.
  template <class Call>
  requires(!std::same_as<std::remove_cvref_t<Call>, RunTool>) RunTool(Call call) {  // implicit: a tool is what runs it
    if constexpr (std::invocable<Call&, const Argv&, std::chrono::milliseconds, const TakeOutput&>)
      call_ = std::move(call);
    else
      call_ = [call = std::move(call)](const Argv& argv, std::chrono::milliseconds timeout,
                                       const TakeOutput& take) -> Result<ToolResult> {
        FFRTMP_ASSIGN(ToolResult result, call(argv, timeout));
        if (take) FFRTMP_TRY(take(std::exchange(result.out, {})));
        return result;
      };
  }
  // With `take` the result's `out` stays empty.
  Result<ToolResult> operator()(const Argv& argv, std::chrono::milliseconds timeout,
                                const TakeOutput& take = {}) const {
    return call_(argv, timeout, take);
  }

 private:
  std::function<Result<ToolResult>(const Argv&, std::chrono::milliseconds, const TakeOutput&)> call_;
};

// How sample values stand for colours, by ffprobe's names; absent: not said. ITU-T H.273.
struct Colour {
  std::optional<std::string> space;
  std::optional<std::string> transfer;
  std::optional<std::string> primaries;
  std::optional<std::string> range;
};

struct ProbedStream {
  int index = 0;
  std::string type;
  std::string codec;
  std::optional<int> width;
  std::optional<int> height;
  std::optional<std::string> pixel_format;
  std::optional<double> fps;  // avg_frame_rate
  std::optional<int> channels;
  std::optional<int> sample_rate;
  std::optional<double> duration_seconds;  // declared
  std::optional<std::string> language;
  bool is_attached_pic = false;
  int rotation_degrees = 0;             // of the display matrix; ffmpeg turns the picture when it encodes
  std::optional<int> nal_length_bytes;  // of length-prefixed h264
  Colour colour;
  bool is_interlaced = false;  // declared: each frame holds two fields
  bool has_hdr_metadata =
      false;  // mastering display or light level, in the container or, after a packet scan, in the stream
  // From the packet scan; absent after a probe of headers only. Packets that only prime the decoder do not count.
  std::optional<double> first_pts_seconds;
  std::optional<double> last_pts_seconds;
  std::optional<double> end_seconds;          // largest pts + duration of its packets
  std::optional<double> largest_gap_seconds;  // between neighbours in time
  std::optional<double> usual_gap_seconds;    // their median
  std::optional<std::int64_t> packets;
  std::int64_t skipped_packets = 0;  // that an edit list leaves out
};

struct Probe {
  std::string format;                      // ffprobe's format_name, "mov,mp4,m4a,3gp,3g2,mj2"
  std::optional<double> duration_seconds;  // declared by the container
  std::optional<double> start_seconds;
  std::int64_t size_bytes = 0;
  int chapters = 0;
  std::vector<ProbedStream> streams;
  std::string damage;  // of a transport stream's own packets, after a packet scan; empty: none
};

struct ProbeOptions {
  std::string ffprobe = "ffprobe";
  std::string demuxer;   // forced; empty: only for our own outputs
  bool packets = false;  // read every packet
  std::chrono::milliseconds timeout{60'000};
};

// kInvalid (an input_error of the caller) when ffprobe cannot read it; its last line is the message.
[[nodiscard]] Result<Probe> probe_file(const std::string& path, const ProbeOptions& options, const RunTool& run);

// The demuxer to force for an input, by the first bytes of the file (not its name): "mov", "matroska", "mpegts", "avi",
// "flv", "ogg", "wav", "mp3", "aac", "flac", "h264", "hevc", "ivf", "yuv4mpegpipe", "mxf", "mpeg", "asf", … .
// Formats that refer to other files (hls, dash, concat, ffmetadata, sdp, image patterns) are kForbidden, as is what
// nobody knows.
[[nodiscard]] Result<std::string> sniff_demuxer(const std::string& path);

}  // namespace ffrtmp::media
