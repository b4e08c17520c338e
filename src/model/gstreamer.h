#pragma once
// What of GStreamer a node has. It is a set of plug-ins: that the program is there says little.
#include <array>
#include <boost/describe.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ffrtmp::model {

struct Gstreamer {
  std::string version;                               // "1.22.0"; empty without the program
  bool usable = false;                               // a short pipeline ran
  std::optional<std::string> reason = std::nullopt;  // why not
  std::optional<std::string> detail = std::nullopt;  // its last words about why not, at most 2 KiB
  std::vector<std::string> elements = {};            // of kGstreamerElements: those that are there
};
BOOST_DESCRIBE_STRUCT(Gstreamer, (), (version, usable, reason, detail, elements))

// Elements that a pipeline may use and a node may lack, besides those that the trial needs.
inline constexpr std::array<std::string_view, 14> kGstreamerElements{
    "qtdemux",   "matroskademux", "flvdemux", "decodebin",   "videoflip", "audiobuffersplit", "voaacenc",
    "fdkaacenc", "avenc_aac",     "mp4mux",   "matroskamux", "flvmux",    "rtmp2sink",        "rtmpsink"};

[[nodiscard]] bool has_element(const Gstreamer& gstreamer, std::string_view element);
// The AAC encoder of choice, the sink for RTMP of choice; empty: none.
[[nodiscard]] std::string aac_encoder_of(const Gstreamer& gstreamer);
[[nodiscard]] std::string rtmp_sink_of(const Gstreamer& gstreamer);
// What jobs it cannot do for lack of elements, a line each: "no sound: no AAC encoder (voaacenc, fdkaacenc,
// avenc_aac)".
[[nodiscard]] std::vector<std::string> gstreamer_gaps(const Gstreamer& gstreamer);

}  // namespace ffrtmp::model
