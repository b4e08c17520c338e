#pragma once
// Leases, contact and progress of the running master (live.h), indexed. Changed by the writer thread only, between
// begin_group() and keep_group() or undo_group(); read by any thread through the calls marked "any thread".
// The writer reads without the lock, as nobody else changes anything; it locks to change.
#include <memory>
#include <mutex>
#include <unordered_map>
#include <variant>
#include <vector>

#include "store/live.h"
#include "store/tx.h"

namespace ffrtmp::store {

class LiveTable {
 public:
  // A group of commands shares one commit; when that fails, undo_group() takes back what the group did here.
  void begin_group();
  void keep_group();
  void undo_group();

  // Null when the attempt has ended or never was. Valid until the next change of that attempt.
  [[nodiscard]] const LiveAttempt* attempt(const Uuid& id) const;
  void put_attempt(const Uuid& id, LiveAttempt attempt);
  void drop_attempt(const Uuid& id);
  // In order of claiming.
  [[nodiscard]] const std::vector<Uuid>& attempts_of(const Uuid& node_id) const;
  // Attempts whose lease is over.
  [[nodiscard]] std::vector<Uuid> expired(BootTime now) const;

  [[nodiscard]] const LiveNode* node(const Uuid& id) const;
  void put_node(const Uuid& id, LiveNode node);
  // A known node was heard of. Not undone with its group: the message came, whatever became of the rows.
  void note_contact(const Uuid& id, const Now& now, const NodeLoad* load);
  [[nodiscard]] const std::unordered_map<Uuid, LiveNode>& nodes() const { return nodes_; }
  // Whether the node can run jobs of the class; remembered until the node changes its capabilities.
  [[nodiscard]] bool fits(const Uuid& node_id, const RequirementClass& requirement_class);

  // A job went from one state (none: it is new) to another.
  void count(std::optional<model::JobState> from, model::JobState to);
  void set_counts(StateCounts counts);
  // Any thread.
  [[nodiscard]] StateCounts counts() const;

  // True at most once an hour: time to drop old idempotency keys.
  [[nodiscard]] bool hour_has_passed(BootTime now);

  struct ProgressNote {
    model::Progress progress;
    UtcTime at;
  };
  // Any thread.
  [[nodiscard]] std::optional<ProgressNote> progress_of(const Uuid& attempt_id) const;
  struct NodeNote {
    LiveNode node;
    std::vector<Uuid> attempts;
  };
  [[nodiscard]] std::optional<NodeNote> note_of(const Uuid& node_id) const;

 private:
  struct AttemptBefore {
    Uuid id;
    std::optional<LiveAttempt> was;
  };
  struct NodeBefore {
    Uuid id;
    std::optional<LiveNode> was;
  };
  struct Counted {
    std::optional<model::JobState> from;
    model::JobState to;
  };
  void set_attempt(const Uuid& id, std::optional<LiveAttempt> value);
  void set_node(const Uuid& id, std::optional<LiveNode> value);

  mutable std::mutex mutex_;
  std::unordered_map<Uuid, LiveAttempt> attempts_;
  std::unordered_map<Uuid, LiveNode> nodes_;
  std::unordered_map<Uuid, std::vector<Uuid>> by_node_;
  std::unordered_map<Uuid, std::unordered_map<ClassId, bool>> fits_;
  std::vector<std::variant<AttemptBefore, NodeBefore, Counted>> undo_;
  StateCounts counts_;
  std::optional<BootTime> last_hour_;
};

// Whether the node has been heard of lately enough.
[[nodiscard]] bool is_online(const LiveNode& node, BootTime now, const Intervals& intervals);
[[nodiscard]] model::NodeStatus status_of(const LiveNode& node, std::size_t live_attempts, BootTime now,
                                          const Intervals& intervals);

}  // namespace ffrtmp::store
