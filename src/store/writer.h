#pragma once
// The one thread that changes a store. It takes all commands that wait, up to a bound, applies them over one session
// and commits them together: while a commit syncs, the next group gathers, and for a moment after it.
//
//   apply() ──> waiting ──take──> group: apply each ──> commit ──> listener(effects) ──> done(reply) of each
//                                   ├── a storage failure: roll back, done(kStoreUnavailable) for the whole group
//                                   └── a damaged row: roll back, done(kCorrupt) for the command that met it, and the
//                                       others again without it
#include <condition_variable>
#include <deque>
#include <mutex>
#include <random>
#include <thread>

#include "store/apply.h"
#include "store/live_table.h"
#include "store/session.h"

namespace ffrtmp::store {

class Writer {
 public:
  // All four outlive the writer.
  Writer(Session& session, LiveTable& live, const Settings& settings, const Clock& clock, IdSource& ids);
  ~Writer();  // finishes what was taken
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Loads the live table, renewing all leases, and starts the thread.
  Status start();
  void set_listener(Store::Listener listener) { listener_ = std::move(listener); }
  void apply(Command command, Store::Done done);
  // Any thread but the writer's: session.probe() between two groups; kStoreUnavailable when it takes too long.
  Status probe();

 private:
  struct Item {
    Command command;
    Store::Done done;
    std::optional<Result<Reply>> reply;
    bool met_damage = false;  // its reply stands
  };
  using Group = std::vector<std::unique_ptr<Item>>;  // commands are large: moved by pointer
  using Probe = std::function<void(Status)>;

  void run();
  bool wait_for_work();
  void run_probes();
  Group take_group();
  void run_group(Group group);
  // Fills in the replies of the group; fails with the storage failure that ended it.
  Status apply_group(Group& group, Effects& effects);
  // Fails with what ended the group; `damaged` is then the item that met a damaged row, null for a storage failure.
  Status try_group(Group& group, Effects& effects, Item*& damaged);
  Result<Reply> apply_one(const Command& command, Effects& effects);
  [[nodiscard]] double draw_jitter();

  Session& session_;
  LiveTable& live_;
  const Settings settings_;
  const Clock& clock_;
  IdSource& ids_;
  Store::Listener listener_;
  std::minstd_rand random_;

  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<std::unique_ptr<Item>> waiting_;
  std::vector<Probe> probes_;
  std::size_t wanted_ = 1;      // so many waiting commands wake the thread, besides the first
  std::size_t last_group_ = 0;  // commands taken last
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace ffrtmp::store
