#include <algorithm>

#include "base/text.h"
#include "store/live.h"

namespace ffrtmp::store {

Intervals intervals_for(std::chrono::milliseconds heartbeat, std::chrono::milliseconds offline,
                        std::chrono::milliseconds lease) {
  const std::chrono::milliseconds margin = std::min<std::chrono::milliseconds>(std::chrono::seconds(10), lease / 9);
  return Intervals{heartbeat, offline, lease, lease / 6, lease - margin};
}

Status check_intervals(const Intervals& i) {
  const auto broken = [](std::string_view law, std::chrono::milliseconds a, std::chrono::milliseconds b) {
    return make_error(Errc::kInvalid,
                      cat("intervals break ", law, " (", format_duration(a), ", ", format_duration(b), ")"));
  };
  const std::chrono::milliseconds zero{0};
  if (i.heartbeat <= zero || i.renew <= zero) return broken("heartbeat, renew > 0", i.heartbeat, i.renew);
  if (3 * i.renew > i.fence) return broken("3 * renew <= fence", i.renew, i.fence);
  if (i.fence >= i.lease) return broken("fence < lease", i.fence, i.lease);
  if (i.lease > i.offline) return broken("lease <= offline", i.lease, i.offline);
  if (3 * i.heartbeat > i.offline) return broken("3 * heartbeat <= offline", i.heartbeat, i.offline);
  return {};
}

}  // namespace ffrtmp::store
