#include "media/encoder_trials.h"

#include <array>

#include "base/text.h"

namespace ffrtmp::media {
namespace {

using model::EncoderApi;

struct Candidate {
  std::string_view name;
  std::string_view codec;
};
constexpr std::array kOrder{Candidate{"h264_nvenc", "h264"},   Candidate{"hevc_nvenc", "hevc"},
                            Candidate{"av1_nvenc", "av1"},     Candidate{"h264_qsv", "h264"},
                            Candidate{"hevc_qsv", "hevc"},     Candidate{"av1_qsv", "av1"},
                            Candidate{"h264_vaapi", "h264"},   Candidate{"hevc_vaapi", "hevc"},
                            Candidate{"av1_vaapi", "av1"},     Candidate{"libx264", "h264"},
                            Candidate{"libx265", "hevc"},      Candidate{"libsvtav1", "av1"},
                            Candidate{"libaom-av1", "av1"},    Candidate{"vp9_vaapi", "vp9"},
                            Candidate{"libvpx-vp9", "vp9"},    Candidate{"libvpx", "vp8"}};

const std::vector<std::string>& devices_for(EncoderApi api, const EncodingDevices& devices) {
  return api == EncoderApi::kNvenc ? devices.nvidia : devices.render_nodes;
}

struct Pattern {
  std::string_view text;  // in ffmpeg's or a driver library's words
  std::string_view reason;
};
// The first that fits counts.
constexpr std::array kPatterns{
    Pattern{"libcuda.so", "CUDA runtime not available (libcuda.so.1 not found)"},
    Pattern{"Unknown encoder", "encoder not recognized by FFmpeg"},
    Pattern{"cannot open shared object file", "required library not available"},
    Pattern{"Cannot load lib", "required library not available"},
    Pattern{"No capable devices found", "no NVENC-capable GPU found"},
    Pattern{"No NVENC capable devices found", "no NVENC-capable GPU found"},
    Pattern{"No VA display found", "no usable VAAPI device"},
    Pattern{"Failed to initialise VAAPI connection", "no usable VAAPI device"},
};

}  // namespace

std::vector<Trial> plan_trials(const EncodingDevices& devices) {
  std::vector<Trial> out;
  for (const Candidate& candidate : kOrder) {
    Trial trial{candidate.name, candidate.codec, model::api_of(candidate.name), std::nullopt, true};
    if (trial.api == EncoderApi::kSoftware) {
      out.push_back(trial);
      continue;
    }
    const auto& on = devices_for(trial.api, devices);
    for (const std::string& device : on) {
      trial.device = device;
      out.push_back(trial);
    }
    if (!on.empty()) continue;
    trial.has_device = trial.api == EncoderApi::kNvenc;
    out.push_back(trial);
  }
  return out;
}

namespace {

std::vector<std::string> command_of(const std::string& ffmpeg, const Trial& trial, std::string_view pixel_format,
                                    const std::vector<std::string>& pace, std::string_view pictures) {
  std::vector<std::string> argv{ffmpeg, "-nostdin", "-v", "error"};
  const auto add = [&argv](const std::vector<std::string>& more) { argv.insert(argv.end(), more.begin(), more.end()); };
  add(model::open_device_options(trial.api, trial.device));
  add(pace);
  add({"-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30", "-frames:v", std::string(pictures)});
  add({"-vf", model::upload_filter(trial.api, pixel_format)});
  add({"-c:v", std::string(trial.encoder)});
  add(model::choose_device_options(trial.api, trial.device));
  // As it comes, libaom takes 16 s for 8 frames on two cores, three times the limit.
  if (trial.encoder == "libaom-av1") add({"-usage", "realtime", "-cpu-used", "8"});
  add({"-f", "null", "-"});
  return argv;
}

}  // namespace

std::vector<std::string> trial_command(const std::string& ffmpeg, const Trial& trial, Depth depth) {
  return command_of(ffmpeg, trial, depth == Depth::k8Bit ? "yuv420p" : "yuv420p10le", {}, "8");
}

std::vector<std::string> session_command(const std::string& ffmpeg, const Trial& trial) {
  return command_of(ffmpeg, trial, "yuv420p", {"-re"}, "60");
}

std::string trial_failure(int exit_code, std::string_view stderr_tail) {
  for (const Pattern& pattern : kPatterns)
    if (stderr_tail.find(pattern.text) != std::string_view::npos) return std::string(pattern.reason);
  return cat("encode test failed: exit ", exit_code);
}

}  // namespace ffrtmp::media
