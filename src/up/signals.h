#pragma once
// SIGTERM and SIGINT, waited for instead of caught: block_stop_signals() before the first thread is made.
#include <chrono>

namespace ffrtmp::up {

void block_stop_signals();
// True when one came within `patience`; it is consumed.
[[nodiscard]] bool wait_for_stop_signal(std::chrono::milliseconds patience);

}  // namespace ffrtmp::up
