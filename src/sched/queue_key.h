#pragma once
// Where a job stands in the queue. Aging without a timer: a job of a higher level is treated as if it had been queued
// earlier, so that the key never changes while the job waits and the queue is a plain index.
#include <chrono>
#include <cstdint>

#include "base/clock.h"
#include "model/job.h"

namespace ffrtmp::sched {

// 3 * queue + priority: 0 (batch, low) to 8 (live, high).
[[nodiscard]] int queue_level(model::Queue queue, model::Priority priority);

// queued_at - level * aging, in microseconds of UTC. The smallest goes first, then the smallest job number.
[[nodiscard]] std::int64_t queue_key(UtcTime queued_at, model::Queue queue, model::Priority priority,
                                     std::chrono::milliseconds aging);

}  // namespace ffrtmp::sched
