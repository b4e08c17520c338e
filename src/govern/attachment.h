#pragma once
// One attach on its way: each step adds to what a restore takes back. Used by the attacher only.
#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "govern/attacher.h"
#include "govern/late_memory.h"
#include "govern/open_groups.h"
#include "govern/placement.h"
#include "sys/cgroup_layout.h"

namespace ffrtmp::govern {

// One process on its way into the groups, as it was found.
struct Mover {
  sys::ProcessKey key;
  sys::Membership membership;
};

class Attachment {
 public:
  Attachment(const AttacherSettings& settings, const AttachRequest& request, KeptControls& kept);
  // Goes on with what prepare() of the attacher began.
  Attachment(const AttacherSettings& settings, const AttachRequest& request, KeptControls& kept, AttachOutcome outcome);

  // Hierarchies that the request needs; the optional ones (cpuacct, what kills) too.
  [[nodiscard]] std::vector<const sys::Hierarchy*> hierarchies() const;

  // Where the groups that limits need go. Without a place for one the outcome has its reason, and there are no groups.
  void choose(const Mover& mover, const std::set<pid_t>& moved, const RootBases& root_bases);
  // What the memory limit may be for processes that hold this much.
  void weigh_memory(std::int64_t held_bytes);
  // The same. False: refused, with its reason.
  [[nodiscard]] bool admit(std::int64_t held_bytes);
  // Makes the groups that limits need and writes the limits, as far as they can be before the move.
  [[nodiscard]] Status make_groups();
  // The groups that are only good to have, as far as there is a place: limits are in force before time is spent on
  // these.
  void make_optional_groups(const Mover& mover, const std::set<pid_t>& moved, const RootBases& root_bases);
  // Moves one process into the groups there are by now, and notes in `mover` where it stands then; where it stands
  // already nothing is written. kGone when it ended.
  [[nodiscard]] Status move(Mover& mover);
  // The limit that a process beside the first one would leave behind, which may stand elsewhere; nothing when none.
  [[nodiscard]] std::optional<std::string> find_escape(const Mover& mover) const;
  // A process is left where it is, and why: a shortfall, but not one of a limit.
  void leave(const Mover& mover, const std::string& evidence);
  // Who is in the group that is entered first; nobody when there is only one, which a newborn is in whole.
  [[nodiscard]] Result<std::vector<sys::ProcessKey>> read_first_group();
  // Limits of groups whose controllers can be switched on only when their processes have left the base.
  [[nodiscard]] Status finish_groups();
  // nice and oom_score_adj of one process.
  [[nodiscard]] Status set_priorities(pid_t pid);
  // Whether the process stands in every group.
  [[nodiscard]] Status check_membership(pid_t pid) const;

  // Whether a group's controllers have to wait until its processes have left the base.
  [[nodiscard]] bool moves_first() const;

  // Tells what is in force. With strict a shortfall is the error.
  [[nodiscard]] Result<AttachOutcome> finish();
  [[nodiscard]] const AttachOutcome& outcome() const { return outcome_; }

 private:
  struct Slot {
    const sys::Hierarchy* hierarchy = nullptr;
    bool is_needed = true;
    bool is_made = false;
    Place place;
    std::string home;  // of the first process
    std::string path;
    std::shared_ptr<const sys::CgroupDir> dir;  // once it was needed
  };
  // The slot in a hierarchy in which the process stands; its place may be none.
  [[nodiscard]] Slot look_at(const sys::Hierarchy& hierarchy, const std::string& own, const std::set<pid_t>& moved,
                             const RootBases& root_bases) const;
  void add(Slot slot);
  [[nodiscard]] static Status open_dir(Slot& slot);
  [[nodiscard]] Status make_group(Slot& slot);
  [[nodiscard]] Original& member(const sys::ProcessKey& key);
  [[nodiscard]] Status enable(const Slot& slot);
  [[nodiscard]] Status write_limits();
  [[nodiscard]] std::vector<std::string> controllers_of(const sys::Hierarchy& hierarchy) const;
  void merge_priority(const std::optional<LimitReport>& report);
  void refuse_all(std::string reason, std::string evidence);

  const AttacherSettings& settings_;
  const AttachRequest& request_;
  KeptControls& kept_;
  AttachOutcome outcome_;
  std::vector<Slot> slots_;
  MemoryDecision memory_;
};

}  // namespace ffrtmp::govern
