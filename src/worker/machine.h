#pragma once
// What this machine offers, as it is registered.
#include <boost/describe.hpp>
#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "media/encoders.h"
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

// Tries the encoders and GStreamer, unless an earlier start left its answers in the state directory and they are to be
// trusted. kGone without ffmpeg.
[[nodiscard]] Result<Machine> detect(const Settings& settings, const sys::Host& host, UtcTime now,
                                     media::Trust trust = media::Trust::kAll);

[[nodiscard]] inline media::Trust trust_at_start(const Settings& settings) {
  return settings.redetect ? media::Trust::kNothing : media::Trust::kAll;
}

}  // namespace ffrtmp::worker
