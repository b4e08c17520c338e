#include "model/gstreamer.h"

#include <algorithm>

#include "base/text.h"

namespace ffrtmp::model {
namespace {

// In order of preference: fdkaac sounds best; voaacenc is in every distribution's plug-ins.
constexpr std::array<std::string_view, 3> kAacEncoders{"fdkaacenc", "avenc_aac", "voaacenc"};
// rtmp2sink resolves names and reports refusals itself; rtmpsink leaves both to librtmp.
constexpr std::array<std::string_view, 2> kRtmpSinks{"rtmp2sink", "rtmpsink"};

template <std::size_t N>
std::string first_of(const Gstreamer& gstreamer, const std::array<std::string_view, N>& elements) {
  for (const std::string_view element : elements)
    if (has_element(gstreamer, element)) return std::string(element);
  return {};
}

struct Need {
  std::string_view element;
  std::string_view without;  // what does not work
};
constexpr std::array kNeeds{Need{"decodebin", "no input can be decoded"},
                            Need{"qtdemux", "no MP4 inputs"},
                            Need{"matroskademux", "no Matroska inputs"},
                            Need{"flvdemux", "no FLV inputs"},
                            Need{"videoflip", "no turned pictures"},
                            Need{"audiobuffersplit", "no sound of a given duration"},
                            Need{"mp4mux", "no MP4 outputs"},
                            Need{"matroskamux", "no Matroska outputs"},
                            Need{"flvmux", "no FLV and RTMP outputs"}};

}  // namespace

bool has_element(const Gstreamer& gstreamer, std::string_view element) {
  return std::find(gstreamer.elements.begin(), gstreamer.elements.end(), element) != gstreamer.elements.end();
}

std::string aac_encoder_of(const Gstreamer& gstreamer) { return first_of(gstreamer, kAacEncoders); }

std::string rtmp_sink_of(const Gstreamer& gstreamer) { return first_of(gstreamer, kRtmpSinks); }

std::vector<std::string> gstreamer_gaps(const Gstreamer& gstreamer) {
  std::vector<std::string> out;
  for (const Need& need : kNeeds)
    if (!has_element(gstreamer, need.element)) out.push_back(cat(need.without, ": no element ", need.element));
  if (aac_encoder_of(gstreamer).empty()) out.emplace_back("no sound: no AAC encoder (voaacenc, fdkaacenc, avenc_aac)");
  if (rtmp_sink_of(gstreamer).empty()) out.emplace_back("no RTMP outputs: no sink (rtmp2sink, rtmpsink)");
  return out;
}

}  // namespace ffrtmp::model
