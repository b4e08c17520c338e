#pragma once
// A job as a GStreamer pipeline: the argument list of gst-launch-1.0, which joins its arguments and parses them again.
// Pure.
//
//   filesrc ! demuxer ─┬ queue ! decoder ! turn, rate, size, I420 [! cut] ! x264enc ! frames [! pace] ! queue ┬ muxer !
//   sink
//                      └ queue ! decoder ! rate, channels [! cut] ! AAC encoder [! pace] ! queue ─────────────┘
//
// "frames" is the element whose lines are the progress (supervisor/gstreamer_progress.h).
#include <optional>
#include <string>
#include <string_view>

#include "engine/engine.h"
#include "model/gstreamer.h"

namespace ffrtmp::engine {

// What of the request these pipelines or the node's elements do not do, in words that follow "FFmpeg used for"
// ("crf", "two audio streams"); nothing: they do all of it.
[[nodiscard]] std::optional<std::string> beyond_gstreamer(const PlanRequest& request,
                                                          const model::Gstreamer& gstreamer);

// The command. `request.program` is gst-launch-1.0, whose stdout is the progress; the encoder is x264enc whatever
// `request.encoder` says. kUnsupported with the words of beyond_gstreamer.
[[nodiscard]] Result<RunPlan> plan_gstreamer(const PlanRequest& request, const model::Gstreamer& gstreamer);

// A property's value so that gst-launch-1.0 takes it as it is, whatever it holds.
[[nodiscard]] std::string quote_property(std::string_view value);

}  // namespace ffrtmp::engine
