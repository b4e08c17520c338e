#pragma once
// What an earlier start found out about this node's encoders and its GStreamer: probing takes seconds, during which a
// worker that restarts could lose the leases of its running attempts.
#include <string>

#include "base/clock.h"
#include "media/encoders.h"
#include "sys/host.h"

namespace ffrtmp::media {

constexpr std::chrono::minutes kFailureKept{10};

// As detect_encoders, but what `file` holds is taken over while ffmpeg's path, size, time of change and version text,
// the kernel, and the devices with their drivers are the same. Encoders that failed more than kFailureKept ago are
// tried again, and so is what request.trust says. News are written to `file`; a file that cannot be read or written
// costs time only. GStreamer is looked for when its program is named, and kept in the same way; what it lacks is looked
// for again as failures are. Sessions of a device are counted once for a number of slots.
[[nodiscard]] Result<Detection> detect_encoders_cached(const DetectionRequest& request, const RunTool& run,
                                                       const std::string& file, UtcTime now, const sys::Host& host);

}  // namespace ffrtmp::media
