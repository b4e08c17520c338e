#pragma once
// Whether this node's GStreamer works: a short pipeline encodes a few pictures before it counts.
#include <string>
#include <string_view>
#include <vector>

#include "media/probe.h"
#include "model/gstreamer.h"

namespace ffrtmp::media {

// Runs `program` (gst-launch-1.0, a name or a path): its version, the trial (5 s), and gst-inspect-1.0 beside it for
// the list of elements. What does not work is an answer with its reason, never an error.
[[nodiscard]] model::Gstreamer detect_gstreamer(const std::string& program, const RunTool& run);

// The parts of it. Pure.
[[nodiscard]] std::vector<std::string> gstreamer_trial(const std::string& program);
// The reason in a person's words for a trial that ended with `exit_code`.
[[nodiscard]] std::string gstreamer_failure(int exit_code, std::string_view stderr_tail);
// Of "gst-launch-1.0 version 1.22.0".
[[nodiscard]] std::string parse_gstreamer_version(std::string_view text);
// Those of model::kGstreamerElements that gst-inspect-1.0 lists, "plugin:  element: description" a line.
[[nodiscard]] std::vector<std::string> parse_gstreamer_elements(std::string_view text);
// "/opt/bin/gst-launch-1.0" -> "/opt/bin/gst-inspect-1.0"
[[nodiscard]] std::string gst_inspect_of(const std::string& program);

}  // namespace ffrtmp::media
