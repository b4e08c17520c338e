#include "engine/encoder_options.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace ffrtmp::engine {
namespace {

constexpr std::array<std::string_view, 9> kPresets{"ultrafast", "superfast", "veryfast", "faster",  "fast",
                                                   "medium",    "slow",      "slower",   "veryslow"};

// The number each preset stands for, in the order of kPresets.
using Scale = std::array<int, kPresets.size()>;
constexpr Scale kSvtPreset{12, 11, 10, 9, 8, 7, 6, 5, 4};  // svt-av1 1.x: 0 (best) to 13
constexpr Scale kAomCpuUsed{8, 8, 7, 6, 5, 4, 3, 2, 1};    // libaom: 0 (best) to 8 in good quality
constexpr Scale kVpxCpuUsed{8, 7, 5, 4, 3, 2, 1, 1, 0};    // libvpx: realtime up to 8, good 0 to 5
constexpr Scale kNvencPreset{1, 1, 2, 3, 4, 4, 5, 6, 7};   // p1 (fastest) to p7

std::size_t rank(std::string_view preset) {
  const auto at = std::find(kPresets.begin(), kPresets.end(), preset);
  return at == kPresets.end() ? 5 : static_cast<std::size_t>(at - kPresets.begin());  // an unknown one: medium
}

bool ends_with(std::string_view text, std::string_view end) { return text.ends_with(end); }

std::vector<std::string> vpx_preset(std::string_view encoder, std::size_t speed) {
  std::vector<std::string> out{"-deadline", speed < 2 ? "realtime" : "good", "-cpu-used", cat(kVpxCpuUsed[speed])};
  if (encoder == "libvpx-vp9") out.insert(out.end(), {"-row-mt", "1"});  // else one thread a tile column
  return out;
}

std::vector<std::string> aom_preset(std::size_t speed) {
  std::vector<std::string> out{"-cpu-used", cat(kAomCpuUsed[speed]), "-row-mt", "1"};
  // Good quality has a floor: at its fastest still a tenth of the speed of realtime.
  if (speed < 2) out.insert(out.begin(), {"-usage", "realtime"});
  return out;
}

}  // namespace

std::string resolve_preset(std::string_view preset, int threads_per_slot) {
  if (preset != "auto") return std::string(preset);
  return threads_per_slot >= 8 ? "fast" : threads_per_slot >= 4 ? "veryfast" : "ultrafast";
}

std::vector<std::string> preset_options(std::string_view encoder, std::string_view preset) {
  const std::size_t speed = rank(preset);
  if (encoder == "libx264" || encoder == "libx265") return {"-preset", std::string(kPresets[speed])};
  if (encoder == "libsvtav1") return {"-preset", cat(kSvtPreset[speed])};
  if (encoder == "libaom-av1") return aom_preset(speed);
  if (encoder == "libvpx" || encoder == "libvpx-vp9") return vpx_preset(encoder, speed);
  if (ends_with(encoder, "_nvenc")) return {"-preset", cat("p", kNvencPreset[speed])};
  // qsv begins at veryfast.
  if (ends_with(encoder, "_qsv")) return {"-preset", std::string(kPresets[std::max<std::size_t>(speed, 2)])};
  return {};
}

std::vector<std::string> rate_options(std::string_view encoder, const model::Parameters& parameters) {
  if (!parameters.crf) return {"-b:v", cat(parameters.bitrate_bps.value_or(kDefaultBitrateBps))};
  const int crf = *parameters.crf;
  const int crf51 = std::min(crf, 51);  // the scale of h264 and hevc ends there
  if (encoder == "libx264" || encoder == "libx265") return {"-crf", cat(crf51)};
  if (encoder == "libvpx")
    return {"-crf", cat(std::clamp(crf, 4, 63)), "-b:v", "50000000"};  // VP8's crf needs a ceiling
  if (encoder == "libvpx-vp9" || encoder == "libaom-av1") return {"-crf", cat(crf), "-b:v", "0"};
  if (ends_with(encoder, "_nvenc")) return {"-rc", "vbr", "-cq", cat(crf51), "-b:v", "0"};
  if (ends_with(encoder, "_qsv")) return {"-global_quality", cat(std::max(crf51, 1))};
  if (ends_with(encoder, "_vaapi")) return {"-rc_mode", "CQP", "-qp", cat(crf51)};
  return {"-crf", cat(crf)};
}

std::vector<std::string> habit_options(std::string_view encoder, std::string_view muxer) {
  const bool isobmff = muxer == "mp4" || muxer == "mov";
  std::vector<std::string> out;
  // x265 writes its settings to stderr whatever -loglevel says.
  if (encoder == "libx265") out = {"-x265-params", "log-level=warning"};
  // ffmpeg's own choice, hev1, is refused by Apple's players.
  if (isobmff && (encoder == "libx265" || encoder.starts_with("hevc_"))) out.insert(out.end(), {"-tag:v", "hvc1"});
  return out;
}

}  // namespace ffrtmp::engine
