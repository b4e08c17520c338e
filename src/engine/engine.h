#pragma once
// What turns a job into a command line, and what it says back into progress and a diagnosis.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/job.h"
#include "model/outcome.h"
#include "model/parameters.h"

namespace ffrtmp::engine {

// What is known of the input before the start; the unknown is absent.
struct InputFacts {
  std::string path;                      // resolved, absolute, or a URL
  std::string demuxer;                   // forced with -f
  std::optional<double> duration_seconds;
  bool has_video = true;
  bool has_audio = false;
  // Streams that the output keeps, as ffmpeg specifiers ("0:v:0"), decided by media/stream_choice.h.
  std::vector<std::string> maps;
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
  std::string output_path;               // where to write: the staged file
  std::string muxer;                     // forced with -f, "mp4"
  std::string encoder;                   // chosen by the node
  std::string program = "ffmpeg";
  int threads_per_slot = 2;              // decides preset "auto"
};

// The full ffmpeg command: -nostdin, -progress {progress}, -stats_period 1, file: prefix, -protocol_whitelist.
[[nodiscard]] Result<RunPlan> plan_ffmpeg(const PlanRequest& request);

// One -progress block, "key=value" lines, into Progress; unknown keys are ignored, N/A is absent. `duration` of the
// output gives percent when known.
[[nodiscard]] model::Progress parse_progress(std::string_view block, std::optional<double> duration_seconds);

// Why ffmpeg failed, from its exit and its last lines of stderr (recognised patterns in diagnose.cpp).
struct Diagnosis {
  model::FailureReason reason = model::FailureReason::kUnknown;
  std::string error;  // the line that says it
};
[[nodiscard]] Diagnosis diagnose(std::optional<int> exit_code, std::optional<int> signal, std::string_view stderr_tail);

// Lines of stderr that are errors although ffmpeg exited 0 ("Error while decoding", "corrupt", "non monotonically …"
// is none). Empty when there are none.
[[nodiscard]] std::vector<std::string> error_lines(std::string_view stderr_text);

}  // namespace ffrtmp::engine
