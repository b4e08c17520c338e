#include "media/generate.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "model/encoder_hardware.h"
#include "model/frame_rate.h"
#include "model/generated_input.h"

namespace ffrtmp::media {
namespace {

using Args = std::vector<std::string>;

void add(Args& out, const Args& more) { out.insert(out.end(), more.begin(), more.end()); }

Args quality_options(model::EncoderApi api) {
  switch (api) {
    case model::EncoderApi::kNvenc:
      return {"-preset", "p1", "-cq", "28"};
    case model::EncoderApi::kQsv:
      return {"-preset", "veryfast", "-global_quality", "28"};
    case model::EncoderApi::kVaapi:
      return {"-qp", "28"};
    case model::EncoderApi::kSoftware:
      break;
  }
  return {"-preset", "ultrafast", "-crf", "23"};
}

// Ends by itself after the right number of pictures. The option -frames:v would end the sound with the last picture it
// counts, up to 0.13 s early, and of a very short input nothing would be heard.
std::string picture(const model::Parameters& p, double seconds) {
  const double fps = p.fps.value_or(model::kGeneratedFps);
  const double rate = model::exact_rate(fps);
  const double frames = std::max(1.0, std::round(seconds * rate));
  // Half a picture before the time of the next, so that no rounding makes one more or less.
  return cat("testsrc2=size=", p.width.value_or(model::kGeneratedWidth), "x",
             p.height.value_or(model::kGeneratedHeight), ":rate=", model::rate_text(fps),
             ":duration=", model::number_text((frames - 0.5) / rate));
}

}  // namespace

GeneratedLength generated_length(const model::Parameters& parameters, int most_seconds) {
  const double asked = parameters.duration_seconds.value_or(model::kGeneratedSeconds);
  if (asked <= most_seconds) return {asked, false};
  return {static_cast<double>(most_seconds), true};
}

std::chrono::milliseconds generation_limit(double seconds) {
  return std::chrono::milliseconds(std::llround(std::max(60.0, 10 * seconds) * 1000));
}

std::vector<std::string> plan_generation(const GenerationRequest& request) {
  const model::Parameters& p = request.parameters;
  const model::EncoderApi api = model::api_of(request.encoder);
  const bool has_sound = p.audio_codec != model::AudioCodec::kNone;
  const std::string length = model::number_text(request.seconds);
  Args out{request.program, "-nostdin",      "-hide_banner", "-loglevel", "level+warning", "-nostats", "-progress",
           "{progress}",    "-stats_period", "0.5",          "-y"};
  add(out, model::open_device_options(api, request.device));
  add(out, {"-f", "lavfi", "-i", picture(p, request.seconds)});
  if (has_sound) add(out, {"-f", "lavfi", "-i", cat("sine=frequency=1000:sample_rate=48000:duration=", length)});
  add(out, {"-vf", cat("noise=alls=10:allf=u,", model::upload_filter(api, "yuv420p"))});
  add(out, {"-c:v", request.encoder});
  add(out, model::choose_device_options(api, request.device));
  add(out, quality_options(api));
  if (has_sound) add(out, {"-c:a", "aac"});
  add(out, {"-t", length, "-f", "mp4", cat("file:", request.output_path)});
  return out;
}

Probe looped(const Probe& input, double seconds) {
  double start = input.start_seconds.value_or(0);
  double end = start;
  for (const ProbedStream& stream : input.streams) {
    start = std::min(start, stream.first_pts_seconds.value_or(start));
    end = std::max(end, stream.end_seconds.value_or(end));
  }
  const double round = end - start;
  if (round <= 0 || round >= seconds) return input;
  const double more = std::ceil(seconds / round) - 1;  // rounds behind the first
  Probe out = input;
  if (out.duration_seconds) *out.duration_seconds += more * round;
  for (ProbedStream& stream : out.streams) {
    if (stream.first_pts_seconds && stream.last_pts_seconds) {
      // From its last packet to its first one of the next round.
      const double seam = *stream.first_pts_seconds + round - *stream.last_pts_seconds;
      stream.largest_gap_seconds = std::max(stream.largest_gap_seconds.value_or(0), seam);
      *stream.last_pts_seconds += more * round;
    }
    if (stream.end_seconds) *stream.end_seconds += more * round;
    if (stream.duration_seconds) *stream.duration_seconds += more * round;
    if (stream.packets) *stream.packets *= static_cast<std::int64_t>(more) + 1;
  }
  return out;
}

}  // namespace ffrtmp::media
