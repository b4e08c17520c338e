#pragma once
// publish.h for an HLS output. The path always names a whole set: segments have names of their own, and the playlist
// changes in one step when they are all in place.
//
//   staged directory                     directory of the output
//     <prefix>00000.ts ...  --rename-->    <prefix>00000.ts ...
//     <name>                --rename-->    <name>              (or exchanged with the playlist that it replaces)
#include "worker/publish.h"

namespace ffrtmp::worker {

// An empty staged directory; what an earlier engine of the attempt left in it goes. kGone, kDenied as openat2 says.
[[nodiscard]] Status make_staged_dir(const Move& move);
// fsync of all that is staged; gives the playlist's mark.
[[nodiscard]] Result<FileMark> sync_staged_hls(const Move& move);
// As publish(). What a former try moved already is left where it is.
[[nodiscard]] Status publish_hls(const Move& move);
// The replaced playlist goes, and with it those of its segments that this program made for this name.
void settle_hls(const Move& move);
void take_back_hls(const Move& move);

}  // namespace ffrtmp::worker
