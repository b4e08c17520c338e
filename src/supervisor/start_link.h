#pragma once

namespace ffrtmp::supervisor {

// Number of the descriptor over which the starting worker sends kStart: without it the supervisor starts nothing, so
// that a worker that dies between the two leaves nothing behind.
inline constexpr const char* kStartLinkVariable = "FFRTMP_LINK_FD";

}  // namespace ffrtmp::supervisor
