#pragma once
// Pauses between tries of a request that did not get through.
#include <chrono>

namespace ffrtmp::worker {

// 1, 2, 4 … 30 s for try 0, 1, 2 …, each spread by ±20 % so that a fleet does not come back in step.
[[nodiscard]] std::chrono::milliseconds retry_pause(int tries);

}  // namespace ffrtmp::worker
