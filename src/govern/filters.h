#pragma once
// Which processes a policy means. Pure functions of facts, so that a scan, an event and `explain` cannot disagree.
//
//   facts -> match_target -> check_filters -> Verdict{match | wait | skip, why}
//
// All filters must pass, so their order decides nothing but which failure is named first.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "govern/process_facts.h"

namespace ffrtmp::govern {

// Which of a process's two names has to be a target's.
enum class MatchMode : std::uint8_t { kAny, kExe, kArgv0 };

struct Filters {
  std::vector<std::string> allowed_users, blocked_users;
  std::vector<std::uint32_t> allowed_uids, blocked_uids;
  std::vector<std::string> allowed_parents, blocked_parents;  // a pid, or a command name
  [[nodiscard]] bool ask_for_parent() const { return !allowed_parents.empty() || !blocked_parents.empty(); }
  std::chrono::nanoseconds min_runtime{0}, max_runtime{0};    // 0: off
  std::vector<std::string> allowed_dirs, blocked_dirs;        // absolute and resolved, without a slash at the end
  bool operator==(const Filters&) const = default;
};

// What the filters look at.
struct FilterFacts {
  std::optional<std::uint32_t> uid;
  std::string user;  // name of uid, or "uid:N"
  ParentFacts parent;
  std::chrono::nanoseconds age{0};
  std::optional<std::string> cwd;
};

enum class FilterName : std::uint8_t { kUsers, kUids, kParents, kRuntime, kDirs };
[[nodiscard]] std::string_view name_of(FilterName filter);

enum class CheckOutcome : std::uint8_t { kPass, kFail, kOff };

struct FilterCheck {
  FilterName filter = FilterName::kUsers;
  CheckOutcome outcome = CheckOutcome::kOff;
  std::string observed;
  std::string rule;       // "root is in blocked_users"
  std::string key;        // the setting that decided: "blocked_users"; empty when it is off
  bool is_young = false;  // kFail only because min_runtime has not passed yet
};

// Each filter's own answer, none left out because another failed.
[[nodiscard]] std::vector<FilterCheck> check_filters(const FilterFacts& facts, const Filters& filters);

struct Verdict {
  enum class Kind : std::uint8_t { kMatch, kWait, kSkip };
  Kind kind = Kind::kMatch;
  std::optional<FilterCheck> why;  // with kWait and kSkip
};
// kWait: only min_runtime fails, and it will pass. kSkip: another one fails too, or no time can help.
[[nodiscard]] Verdict decide(const std::vector<FilterCheck>& checks);

}  // namespace ffrtmp::govern
