#pragma once
// What this machine offers, as it is registered.
#include "base/clock.h"
#include "base/result.h"
#include "model/node.h"
#include "sys/host.h"
#include "worker/settings.h"

namespace ffrtmp::worker {

// Tries the encoders, unless an earlier start left its answers in the state directory. kGone without ffmpeg.
[[nodiscard]] Result<model::NodeFacts> detect(const Settings& settings, const sys::Host& host, UtcTime now);

}  // namespace ffrtmp::worker
