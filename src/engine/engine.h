#pragma once
// What turns a job into a command line, and what it says back into progress and a diagnosis. Pure.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/job.h"
#include "model/node.h"
#include "model/outcome.h"
#include "model/parameters.h"

namespace ffrtmp::engine {

// What is known of the input before the start; the unknown is absent.
struct InputFacts {
  std::string path;     // resolved, absolute, or a URL
  std::string demuxer;  // forced with -f
  std::optional<double> duration_seconds;
  bool loops = false;     // read again from its start until the output is as long as asked
  bool has_video = true;  // among the mapped streams
  bool has_audio = false;
  std::optional<int> width;  // of the mapped video, as displayed; an odd one is cut by one line
  std::optional<int> height;
  std::optional<double> fps;  // of the mapped video
  // Which of the input's streams of its kind is the first that is mapped, from 0.
  int video_number = 0;
  int audio_number = 0;
  std::optional<int> audio_channels;  // of that one
  // Streams that the output keeps, as ffmpeg specifiers ("0:0"), decided by media/stream_choice.h.
  std::vector<std::string> maps;
  // Encoder of each mapped subtitle stream in output order ("copy", "mov_text"), decided there too.
  std::vector<std::string> subtitle_encoders;
};

// Where a live stream goes.
struct LiveOutput {
  std::string url;           // without the stream key where that one is a secret
  std::string app;           // of RTMP with a stream key: the path of the URL
  std::string options_file;  // holds "rtmp_playpath=KEY"; empty: none
  std::string ca_file;       // PEM, for rtmps; empty: the system's
  // The same with the address that the host's name was found to lead to, and of RTMP the URL that the server is told.
  // Empty: the engine looks the name up.
  std::string address_url = {};
  std::string told_url = {};
};

struct RunPlan {
  std::vector<std::string> argv;         // "{progress}" stands for the progress pipe
  std::string encoder;                   // "libx264"
  std::string encoder_requested;         // as the job says, "h264"
  std::vector<std::string> masked_argv;  // argv with secrets hidden, for results and logs
};

struct PlanRequest {
  const model::Parameters& parameters;
  const InputFacts& input;
  std::string output_path;  // where to write: the staged file, of HLS the playlist; unused when live
  std::string muxer;        // forced with -f, "mp4"
  std::string encoder;      // chosen by the node; "copy" copies the video
  std::optional<std::string> device;  // of a hardware encoder, as detection found it
  std::string program = "ffmpeg";
  int threads_per_slot = 2;  // decides preset "auto"
  std::string segment_pattern = {};  // of HLS: path of the segments with one "%05d"
  std::optional<LiveOutput> live = {};  // with the output modes rtmp and stream
};

// The full ffmpeg command. kInvalidField for parameters that contradict each other ("copy" with a resolution). Why each
// option is there stands beside it in ffmpeg_args.cpp and live_options.cpp.
[[nodiscard]] Result<RunPlan> plan_ffmpeg(const PlanRequest& request);

// One -progress block, "key=value" lines, into Progress; unknown keys are ignored, N/A is absent. `duration` of the
// output gives percent when known. Of several blocks the last value of a key counts.
[[nodiscard]] model::Progress parse_progress(std::string_view block, std::optional<double> duration_seconds);
// The whole run's numbers from its last progress and its wall time. Pure.
[[nodiscard]] model::RunStats run_stats(const model::Progress& last, double run_seconds);

// Why ffmpeg failed, from its exit and its last lines of stderr (recognised patterns in diagnose.cpp).
struct Diagnosis {
  model::FailureReason reason = model::FailureReason::kUnknown;
  std::string error;  // the line that says it
};
[[nodiscard]] Diagnosis diagnose(std::optional<int> exit_code, std::optional<int> signal, std::string_view stderr_tail);

// Whether a failure of GStreamer that was diagnosed so lies in its pipeline: an element is missing, refuses what it is
// handed or crashes. Another engine may do better then; it would not on a full disk or without the input. Pure.
[[nodiscard]] bool is_of_pipeline(model::FailureReason reason, std::string_view stderr_tail);

// Lines of stderr that are errors although ffmpeg exited 0: those it tagged [error] or [fatal], and the warnings that
// report damage ("corrupt decoded frame"). At most 20; empty when there are none.
[[nodiscard]] std::vector<std::string> error_lines(std::string_view stderr_text);

// `text` with URL user info and every occurrence of `secret` replaced by ***.
[[nodiscard]] std::string mask_secrets(std::string text, std::string_view secret);

}  // namespace ffrtmp::engine
