#include "media/encoders.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "base/text.h"
#include "media/encoder_sessions.h"
#include "media/gstreamer.h"
#include "model/ffmpeg_words.h"
#include "model/media_names.h"

namespace ffrtmp::media {
namespace {

constexpr std::chrono::milliseconds kListTimeout{10'000};
constexpr std::chrono::milliseconds kTrialTimeout{5'000};
constexpr std::size_t kOnCpuAtOnce = 2;
constexpr std::size_t kMostAtOnce = 16;
constexpr std::size_t kDetailBytes = 2048;

bool holds(const std::vector<std::string>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

const model::Encoder* find_known(const std::vector<model::Encoder>& known, const Trial& trial) {
  const auto at = std::find_if(known.begin(), known.end(), [&](const model::Encoder& encoder) {
    return encoder.name == trial.encoder && encoder.device == trial.device;
  });
  return at == known.end() ? nullptr : &*at;
}

struct Failure {
  std::string reason;
  std::string detail;  // ffmpeg's last words
};

// Why it cannot encode that depth, or nothing.
std::optional<Failure> try_encode(const std::string& ffmpeg, const Trial& trial, Depth depth, const RunTool& run) {
  const auto result = run(trial_command(ffmpeg, trial, depth), kTrialTimeout);
  if (!result && result.error().code == Errc::kTimeout) return Failure{"validation timeout (encoder may be hung)", {}};
  if (!result) return Failure{result.error().message, {}};
  if (result->exit_code == 0) return std::nullopt;
  const std::size_t from = result->err.size() - std::min(result->err.size(), kDetailBytes);
  return Failure{trial_failure(result->exit_code, result->err), model::without_addresses(result->err.substr(from))};
}

// Of the formats a job may ask for: those it takes, and the semi-planar twins that a stream stores alike.
std::vector<std::string> offered_formats(const std::vector<std::string>& supported, bool ten_bit_works) {
  std::vector<std::string> out;
  for (const std::string_view format : model::kPixelFormats) {
    const std::string_view stored = model::stored_format(format);
    if (!holds(supported, stored) || (stored == "yuv420p10le" && !ten_bit_works)) continue;
    out.emplace_back(format);
  }
  return out;
}

// Hardware takes pictures of its own kind: what matters is what can be uploaded, which only a trial tells.
std::vector<std::string> possible_formats(const std::string& ffmpeg, const Trial& trial, const RunTool& run) {
  if (trial.api != model::EncoderApi::kSoftware) return {"yuv420p", "yuv420p10le"};
  const auto help = run({ffmpeg, "-hide_banner", "-v", "error", "-h", cat("encoder=", trial.encoder)}, kListTimeout);
  return help ? parse_pixel_formats(help->out) : std::vector<std::string>{"yuv420p"};
}

model::Encoder named(const Trial& trial) {
  model::Encoder out;
  out.name = trial.encoder;
  out.codec = trial.codec;
  out.hardware = trial.api != model::EncoderApi::kSoftware;
  out.device = trial.device;
  return out;
}

model::Encoder examine(const std::string& ffmpeg, const Trial& trial, const RunTool& run) {
  model::Encoder out = named(trial);
  if (!trial.has_device) {
    out.reason = "no usable VAAPI device";  // Quick Sync's is derived from one
    return out;
  }
  if (auto failure = try_encode(ffmpeg, trial, Depth::k8Bit, run)) {
    out.reason = std::move(failure->reason);
    if (!failure->detail.empty()) out.detail = std::move(failure->detail);
    return out;
  }
  out.usable = true;
  const auto possible = possible_formats(ffmpeg, trial, run);
  const bool ten = holds(possible, "yuv420p10le") && !try_encode(ffmpeg, trial, Depth::k10Bit, run);
  out.pix_fmts = offered_formats(possible, ten);
  return out;
}

}  // namespace

std::string parse_version(std::string_view text) {
  const auto words = split(text.substr(0, text.find('\n')), ' ');
  return words.size() > 2 && words[1] == "version" ? std::string(words[2]) : std::string();
}

std::vector<std::string> parse_encoder_names(std::string_view text) {
  std::vector<std::string> out;
  bool in_list = false;
  for (const std::string_view line : split(text, '\n')) {
    const std::string_view row = trim(line);
    if (row.starts_with("---"))
      in_list = true;
    else if (in_list && row.size() > 7 && row.front() == 'V')
      out.emplace_back(row.substr(7, row.find(' ', 7) - 7));
  }
  return out;
}

std::vector<std::string> parse_pixel_formats(std::string_view text) {
  constexpr std::string_view kLabel = "Supported pixel formats:";
  std::vector<std::string> out;
  const std::size_t at = text.find(kLabel);
  if (at == std::string_view::npos) return out;
  const std::string_view rest = text.substr(at + kLabel.size());
  for (const std::string_view word : split(trim(rest.substr(0, rest.find('\n'))), ' '))
    if (!word.empty()) out.emplace_back(word);
  return out;
}

Result<std::string> read_version_text(const std::string& ffmpeg, const RunTool& run) {
  auto version = run({ffmpeg, "-version"}, kListTimeout);
  if (!version && version.error().code == Errc::kGone) {
    const bool is_path = ffmpeg.find('/') != std::string::npos;
    return make_error(Errc::kGone, is_path ? cat("ffmpeg not found: ", ffmpeg) : cat(ffmpeg, " not found in PATH"));
  }
  if (!version) return version.error();
  return std::move(version->out);
}

Result<std::vector<model::Encoder>> try_encoders(const std::string& ffmpeg, const EncodingDevices& devices,
                                                 const RunTool& run, const std::vector<model::Encoder>& known) {
  const auto trials = plan_trials(devices);
  std::vector<std::string> compiled;
  if (std::any_of(trials.begin(), trials.end(), [&](const Trial& trial) { return find_known(known, trial) == nullptr; })) {
    FFRTMP_ASSIGN(const ToolResult list, run({ffmpeg, "-hide_banner", "-v", "error", "-encoders"}, kListTimeout));
    compiled = parse_encoder_names(list.out);
  }
  std::vector<model::Encoder> out(trials.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < trials.size(); i = next++) {
      if (const model::Encoder* old = find_known(known, trials[i])) {
        out[i] = *old;
      } else if (holds(compiled, trials[i].encoder)) {
        out[i] = examine(ffmpeg, trials[i], run);
      } else {
        out[i] = named(trials[i]);
        out[i].reason = kNotCompiledIn;
      }
    }
  };
  const std::size_t at_once =
      std::min(kMostAtOnce, kOnCpuAtOnce + devices.nvidia.size() + devices.render_nodes.size());
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < at_once; ++i) others.emplace_back(work);
  work();
  others.clear();
  return out;
}

Result<Detection> detect_encoders(const DetectionRequest& request, const RunTool& run) {
  FFRTMP_ASSIGN(const std::string text, read_version_text(request.ffmpeg, run));
  Detection found{parse_version(text), {}};
  FFRTMP_ASSIGN(found.encoders, try_encoders(request.ffmpeg, request.devices, run));
  count_sessions(request.ffmpeg, request.slots, run, {}, found.encoders);
  if (!request.gst_launch.empty()) found.gstreamer = detect_gstreamer(request.gst_launch, run);
  return found;
}

}  // namespace ffrtmp::media
