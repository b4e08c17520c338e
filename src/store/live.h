#pragma once
// What only the running master knows: leases, the latest progress and contact of nodes. Nothing here survives a restart;
// a starting master renews every live lease instead, so that no worker is punished for the master's absence.
#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "model/job.h"
#include "model/node.h"
#include "store/command.h"

namespace ffrtmp::store {

// Liveness intervals and their law: 3 * renew <= fence < lease <= offline (check_intervals).
struct Intervals {
  std::chrono::milliseconds heartbeat{30'000};  // H: longest silence of a healthy worker
  std::chrono::milliseconds offline{90'000};    // D >= 3H: a node silent for longer is offline
  std::chrono::milliseconds lease{90'000};      // L: counted from receiving the last message
  std::chrono::milliseconds renew{15'000};      // R = L/6: a worker reports at least this often
  std::chrono::milliseconds fence{80'000};      // T = L - 10 s: the worker stops by itself, counted from sending
};
// The intervals for a lease: renew = L/6, fence = L - min(10 s, L/9), so that the short leases of tests keep the law.
[[nodiscard]] Intervals intervals_for(std::chrono::milliseconds heartbeat, std::chrono::milliseconds offline,
                                      std::chrono::milliseconds lease);
// kInvalid naming the broken part of 3R <= T < L <= D, 3H <= D.
[[nodiscard]] Status check_intervals(const Intervals& i);

struct LiveAttempt {
  std::int64_t job_sequence = 0;
  int number = 1;
  Uuid node_id;
  BootTime lease_expires;
  std::optional<std::string> session_device;  // of the encoder session that it holds
  bool started = false;                   // its first progress has come
  std::int64_t last_seq = -1;             // of progress
  std::optional<WorkerCommand> pending;   // sent with every reply until it is acknowledged
  std::optional<model::Progress> progress;
  std::optional<UtcTime> progress_at;
  std::optional<BootTime> progress_saved; // last time that it was written to the store
};

struct LiveNode {
  Uuid instance_id;
  std::vector<Uuid> former_instances;  // superseded since this master started: a late message of theirs is refused
  std::shared_ptr<const model::NodeFacts> facts;
  bool draining = false;
  bool seen = false;  // since this master started
  BootTime last_contact;
  UtcTime last_contact_utc;
  NodeLoad load;
};

}  // namespace ffrtmp::store
