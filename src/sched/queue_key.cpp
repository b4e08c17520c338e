#include "sched/queue_key.h"

namespace ffrtmp::sched {

int queue_level(model::Queue queue, model::Priority priority) {
  return 3 * static_cast<int>(queue) + static_cast<int>(priority);
}

std::int64_t queue_key(UtcTime queued_at, model::Queue queue, model::Priority priority,
                       std::chrono::milliseconds aging) {
  const std::chrono::microseconds head_start = queue_level(queue, priority) * aging;
  return (queued_at.time_since_epoch() - head_start).count();
}

}  // namespace ffrtmp::sched
