#include "media/encoders.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "base/text.h"
#include "model/media_names.h"

namespace ffrtmp::media {
namespace {

constexpr std::chrono::milliseconds kListTimeout{10'000};
constexpr std::chrono::milliseconds kProbeTimeout{5'000};
constexpr std::size_t kAtOnce = 2;
constexpr std::string_view kNotCompiledIn = "not compiled in";

struct Candidate {
  std::string_view name;
  std::string_view codec;
};
// In order of preference within a codec.
constexpr std::array kSoftware{Candidate{"libx264", "h264"},   Candidate{"libx265", "hevc"},
                               Candidate{"libsvtav1", "av1"},  Candidate{"libaom-av1", "av1"},
                               Candidate{"libvpx-vp9", "vp9"}, Candidate{"libvpx", "vp8"}};

const model::Encoder* find_named(const std::vector<model::Encoder>& list, std::string_view name) {
  const auto at = std::find_if(list.begin(), list.end(), [&](const model::Encoder& e) { return e.name == name; });
  return at == list.end() ? nullptr : &*at;
}

model::Encoder not_compiled_in(const Candidate& candidate) {
  model::Encoder out;
  out.name = candidate.name;
  out.codec = candidate.codec;
  out.reason = kNotCompiledIn;
  return out;
}

bool holds(const std::vector<std::string>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

std::vector<std::string> probe_command(const std::string& ffmpeg, std::string_view encoder, std::string_view format) {
  std::vector<std::string> argv{ffmpeg,      "-nostdin",
                                "-v",        "error",
                                "-f",        "lavfi",
                                "-i",        "testsrc2=size=640x360:rate=30",
                                "-frames:v", "8",
                                "-vf",       cat("format=", format),
                                "-c:v",      std::string(encoder)};
  // As it comes, libaom takes 16 s for these 8 frames on two cores, three times the limit.
  if (encoder == "libaom-av1") argv.insert(argv.end(), {"-usage", "realtime", "-cpu-used", "8"});
  argv.insert(argv.end(), {"-f", "null", "-"});
  return argv;
}

// Why it cannot encode that format, or "".
std::string try_encode(const std::string& ffmpeg, std::string_view encoder, std::string_view format,
                       const RunTool& run) {
  const auto result = run(probe_command(ffmpeg, encoder, format), kProbeTimeout);
  if (!result)
    return result.error().code == Errc::kTimeout ? "validation timeout (encoder may be hung)" : result.error().message;
  return result->exit_code == 0 ? std::string() : probe_failure(result->exit_code, result->err);
}

// Of the formats a job may ask for: those it takes, and the semi-planar twins that a stream stores alike.
std::vector<std::string> offered_formats(const std::vector<std::string>& supported, bool ten_bit_works) {
  std::vector<std::string> out;
  for (const std::string_view format : model::kPixelFormats) {
    const std::string_view stored = format == "nv12" ? "yuv420p" : format == "p010le" ? "yuv420p10le" : format;
    if (!holds(supported, stored) || (stored == "yuv420p10le" && !ten_bit_works)) continue;
    out.emplace_back(format);
  }
  return out;
}

model::Encoder examine(const std::string& ffmpeg, const Candidate& candidate, const RunTool& run) {
  model::Encoder out;
  out.name = candidate.name;
  out.codec = candidate.codec;
  std::string reason = try_encode(ffmpeg, candidate.name, "yuv420p", run);
  if (!reason.empty()) {
    out.reason = std::move(reason);
    return out;
  }
  out.usable = true;
  const auto help = run({ffmpeg, "-hide_banner", "-v", "error", "-h", cat("encoder=", candidate.name)}, kListTimeout);
  const auto supported = help ? parse_pixel_formats(help->out) : std::vector<std::string>{"yuv420p"};
  const bool ten = holds(supported, "yuv420p10le") && try_encode(ffmpeg, candidate.name, "yuv420p10le", run).empty();
  out.pix_fmts = offered_formats(supported, ten);
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

std::string probe_failure(int exit_code, std::string_view stderr_tail) {
  const auto says = [&](std::string_view text) { return stderr_tail.find(text) != std::string_view::npos; };
  if (says("libcuda.so")) return "CUDA runtime not available (libcuda.so.1 not found)";
  if (says("Unknown encoder")) return "encoder not recognized by FFmpeg";
  if (says("cannot open shared object file") || says("Cannot load lib")) return "required library not available";
  if (says("No capable devices found")) return "no NVENC-capable GPU found";
  return cat("encode test failed: exit ", exit_code);
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

bool is_complete(const std::vector<model::Encoder>& known) {
  return std::all_of(kSoftware.begin(), kSoftware.end(),
                     [&](const Candidate& candidate) { return find_named(known, candidate.name) != nullptr; });
}

bool is_worth_another_try(const model::Encoder& encoder) { return !encoder.usable && encoder.reason != kNotCompiledIn; }

Result<std::vector<model::Encoder>> probe_encoders(const std::string& ffmpeg, const RunTool& run,
                                                   const std::vector<model::Encoder>& known) {
  FFRTMP_ASSIGN(const ToolResult list, run({ffmpeg, "-hide_banner", "-v", "error", "-encoders"}, kListTimeout));
  const auto compiled = parse_encoder_names(list.out);
  std::vector<model::Encoder> out(kSoftware.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < kSoftware.size(); i = next++) {
      if (const model::Encoder* old = find_named(known, kSoftware[i].name))
        out[i] = *old;
      else if (holds(compiled, kSoftware[i].name))
        out[i] = examine(ffmpeg, kSoftware[i], run);
      else
        out[i] = not_compiled_in(kSoftware[i]);
    }
  };
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < kAtOnce; ++i) others.emplace_back(work);
  work();
  others.clear();
  return out;
}

Result<Detection> detect_encoders(const std::string& ffmpeg, const RunTool& run) {
  FFRTMP_ASSIGN(const std::string text, read_version_text(ffmpeg, run));
  FFRTMP_ASSIGN(auto encoders, probe_encoders(ffmpeg, run));
  return Detection{parse_version(text), std::move(encoders)};
}

}  // namespace ffrtmp::media
