#pragma once
// What only the running master knows: leases, the latest progress and contact of nodes. Nothing here survives a restart;
// a starting master renews every live lease instead, so that no worker is punished for the master's absence.
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "model/job.h"
#include "store/command.h"

namespace ffrtmp::store {

// Liveness intervals and their law: 3 * renew <= fence <= lease <= offline (check_intervals).
struct Intervals {
  std::chrono::milliseconds heartbeat{30'000};  // H: longest silence of a healthy worker
  std::chrono::milliseconds offline{90'000};    // D >= 3H: a node silent for longer is offline
  std::chrono::milliseconds lease{90'000};      // L: counted from receiving the last message
  std::chrono::milliseconds renew{15'000};      // R = L/6: a worker reports at least this often
  std::chrono::milliseconds fence{80'000};      // T = L - 10 s: the worker stops by itself, counted from sending
};
// The intervals for a lease: renew = L/6, fence = L - max(10 s, L/9) shortened for leases of tests.
[[nodiscard]] Intervals intervals_for(std::chrono::milliseconds heartbeat, std::chrono::milliseconds offline,
                                      std::chrono::milliseconds lease);
// kInvalid naming the broken part of 3R <= T < L <= D, 3H <= D.
[[nodiscard]] Status check_intervals(const Intervals& i);

struct LiveAttempt {
  std::int64_t job_sequence = 0;
  int number = 1;
  Uuid node_id;
  BootTime lease_expires;
  std::int64_t last_seq = -1;
  std::int64_t acked_version = 0;  // desired_version the worker has acknowledged
  bool parked = false;             // paused and acknowledged: deadlines stand still
};

struct LiveNode {
  Uuid instance_id;
  BootTime last_contact;
  UtcTime last_contact_utc;
  NodeLoad load;
  int live_attempts = 0;
  bool seen = false;  // since this master started
};

}  // namespace ffrtmp::store
