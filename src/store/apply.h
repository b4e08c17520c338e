#pragma once
// The rules: what each command does to the rows of a transaction. The only code that changes a job, and it asks
// model::step() for every new state. Shared by all backends, driven by the simulator with a clock of its own.
//
// A command that is refused (any error but kStoreUnavailable) has written nothing: everything is checked before the
// first write, so that a group of commands can share one commit.
#include "base/clock.h"
#include "base/ids.h"
#include "store/store.h"
#include "store/tx.h"

namespace ffrtmp::store {

class LiveTable;

struct ApplyContext {
  Now now;
  IdSource& ids;
  const Settings& settings;
  LiveTable& live;    // changed by the rules, and taken back with a group that fails
  Effects& effects;   // added to
  double jitter = 0;  // [-1, 1], for backoff
};

[[nodiscard]] Result<Reply> apply(Tx& tx, ApplyContext& context, const Command& command);

// Loads live attempts and renews all their leases. Called once, before the first command.
[[nodiscard]] Status load_live(Tx& tx, ApplyContext& context);

}  // namespace ffrtmp::store
