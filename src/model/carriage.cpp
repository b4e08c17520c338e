#include "model/carriage.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace ffrtmp::model {
namespace {

struct Family {
  std::string_view start;  // of a name
  std::string_view codec;
};
// libvpx-vp9 before libvpx.
constexpr std::array kFamilies{Family{"h264", "h264"},     Family{"libx264", "h264"},   Family{"h265", "hevc"},
                               Family{"hevc", "hevc"},     Family{"libx265", "hevc"},   Family{"av1", "av1"},
                               Family{"libsvtav1", "av1"}, Family{"libaom-av1", "av1"}, Family{"librav1e", "av1"},
                               Family{"vp9", "vp9"},       Family{"libvpx-vp9", "vp9"}, Family{"libvpx_vp9", "vp9"},
                               Family{"vp8", "vp8"},       Family{"libvpx", "vp8"}};

// RFC 8216 and the MPEG-TS muxer; FLV as of ffmpeg 6.1.
bool carries_video(std::string_view protocol, std::string_view family) {
  if (protocol == "rtmp") return family != "vp8";
  return family != "vp8" && family != "vp9" && family != "av1";
}

bool carries_audio(std::string_view protocol, AudioCodec codec) {
  return codec != AudioCodec::kOpus || protocol == "file";
}

}  // namespace

std::optional<std::string> known_codec_family(std::string_view name) {
  for (const Family& row : kFamilies)
    if (name.starts_with(row.start)) return std::string(row.codec);
  return std::nullopt;
}

std::string codec_family(std::string_view name) { return known_codec_family(name).value_or(std::string(name)); }

std::string protocol_of(const Parameters& p) {
  if (p.output_mode == OutputMode::kFile) return "file";
  if (p.output_mode == OutputMode::kHls) return "hls";
  const std::string_view output = p.output ? std::string_view(*p.output) : std::string_view{};
  if (p.output_mode == OutputMode::kStream && output.starts_with("srt:")) return "srt";
  if (p.output_mode == OutputMode::kStream && output.starts_with("udp:")) return "udp";
  return "rtmp";
}

std::optional<Misfit> find_misfit(const Parameters& p) {
  const std::string protocol = protocol_of(p);
  if (protocol == "file") return std::nullopt;
  const std::string family = codec_family(p.codec);
  if (!carries_video(protocol, family)) return Misfit{"codec", cat(protocol, " cannot carry ", p.codec)};
  if (p.audio_codec && !carries_audio(protocol, *p.audio_codec))
    return Misfit{"audio_codec", cat(protocol, " cannot carry opus")};
  return std::nullopt;
}

bool needs_enhanced_rtmp(std::string_view protocol, std::string_view codec) {
  if (protocol != "rtmp") return false;
  const std::string family = codec_family(codec);
  return family == "hevc" || family == "av1" || family == "vp9";
}

bool has_enhanced_rtmp(std::string_view version) {
  if (version.starts_with('n')) version.remove_prefix(1);  // a tag of its repository
  const auto number = [&]() -> std::optional<std::int64_t> {
    const std::size_t end = std::min(version.find_first_not_of("0123456789"), version.size());
    const auto value = parse_int(version.substr(0, end));
    version.remove_prefix(end);
    if (version.starts_with('.')) version.remove_prefix(1);
    return value;
  };
  const auto major = number();
  if (!major) return false;
  const auto minor = number();
  return std::pair(*major, minor.value_or(0)) >= std::pair<std::int64_t, std::int64_t>(6, 1);
}

}  // namespace ffrtmp::model
