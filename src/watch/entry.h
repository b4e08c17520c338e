#pragma once
// One tracked process, from its discovery to its end.
//
//   kFound -> kAttached | kObserve            limits in force | none that could be
//          -> kRetrying -> kAttached | kDead  the attach failed: again later, or never
//   kAttached -> kContested                   another writer undoes what we set, again and again: we stopped
#include <boost/describe.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "govern/attacher.h"
#include "govern/claim.h"
#include "govern/job_result.h"
#include "govern/retry.h"
#include "sys/fd.h"
#include "sys/proc_fs.h"
#include "watch/kept_governed.h"

namespace ffrtmp::watch {

enum class EntryState : std::uint8_t { kFound, kAttached, kObserve, kContested, kRetrying, kDead };
BOOST_DESCRIBE_ENUM(EntryState, kFound, kAttached, kObserve, kContested, kRetrying, kDead)
inline constexpr std::size_t kEntryStates = 6;
// Limits of ours were put on it.
constexpr bool is_attached(EntryState state) {
  return state == EntryState::kAttached || state == EntryState::kContested;
}
// It has a claim of ours, and its end is the end of a job.
constexpr bool is_governed(EntryState state) { return is_attached(state) || state == EntryState::kObserve; }

struct Entry {
  sys::ProcessKey key;
  pid_t ppid = 0;
  std::optional<std::uint32_t> uid;
  std::uint64_t exec_stamp = 0;
  std::string command;
  std::string user;
  std::string cwd;
  BootTime started{};
  BootTime discovered{};
  UtcTime discovered_at{};
  std::optional<UtcTime> attached_at;
  std::uint64_t scan = 0;  // number of the last scan that saw it

  EntryState state = EntryState::kFound;  // changed by Ledger::set_state only
  govern::Governance governance = govern::Governance::kObserve;
  std::string reason;                           // why governance is not full
  std::string evidence;                         // of the reason, or of the contest
  std::vector<govern::LimitReport> shortfalls;  // limits that are not applied; the others are
  std::int64_t uncovered_bytes = 0;

  sys::Fd pidfd;
  std::optional<int> wait_status;  // of waitpid(2), as the exit event told it
  std::optional<govern::HeldClaim> claim;
  KeptGoverned governed;

  std::vector<govern::FailedTry> tries;
  std::optional<UtcTime> next_try_at;
  std::uint64_t try_timer = 0;  // number of the timer that counts: earlier ones do nothing
  int fights = 0;               // looks in a row that found something undone
  int rest = 0;                 // looks to leave out before the next one

  [[nodiscard]] const std::string& job_id() const { return governed.job_id(); }
};

using govern::JobResult;

}  // namespace ffrtmp::watch
