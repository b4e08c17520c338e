#pragma once
// What this machine offers, as it is registered.
#include <boost/describe.hpp>
#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "model/gstreamer.h"
#include "model/node.h"
#include "sys/host.h"
#include "worker/settings.h"

namespace ffrtmp::worker {

struct Machine {
  model::NodeFacts facts;
  std::optional<model::Gstreamer> gstreamer;  // absent: not looked for
};
BOOST_DESCRIBE_STRUCT(Machine, (), (facts, gstreamer))

// Tries the encoders and GStreamer, unless an earlier start left its answers in the state directory. kGone without
// ffmpeg.
[[nodiscard]] Result<Machine> detect(const Settings& settings, const sys::Host& host, UtcTime now);

}  // namespace ffrtmp::worker
