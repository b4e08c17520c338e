#pragma once
// Pauses between tries of a request that did not get through.
#include <chrono>

#include "base/errc.h"

namespace ffrtmp::worker {

// 1, 2, 4 … 30 s for try 0, 1, 2 …, each spread by ±20 % so that a fleet does not come back in step.
[[nodiscard]] std::chrono::milliseconds retry_pause(int tries);

// Whether the same request may fare better later: the master was not reached, failed or was busy, or did not know our
// token, which a registration renews. Any other 4xx is an answer (contract fleet.md 1.1).
[[nodiscard]] bool is_worth_another_try(Errc code);

}  // namespace ffrtmp::worker
