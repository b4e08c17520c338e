#include "govern/priorities.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/fault.h"
#include "base/text.h"
#include "sys/priority.h"

namespace ffrtmp::govern {
namespace {

// A thread starts with the nice of the one that started it: a pass that finds no new thread is the last.
constexpr int kPasses = 5;

LimitReport new_report(LimitName limit, int wanted) {
  LimitReport report;
  report.limit = limit;
  report.status = LimitStatus::kApplied;
  report.wanted = cat(wanted);
  return report;
}

void fail(LimitReport& report, const Error& error) {
  report.err = error.sys;
  report.status = error.code == Errc::kDenied ? LimitStatus::kDenied : LimitStatus::kFailed;
  report.detail = error.message;
}

// The first thread that differs is the report's evidence.
void compare(LimitReport& report, std::string_view who, int observed) {
  const std::string text = cat(observed);
  if (report.observed.empty()) report.observed = text;
  if (text == report.wanted) return;
  report.observed = cat(text, " (", who, ")");
  if (report.status == LimitStatus::kApplied) report.status = LimitStatus::kFailed;
}

Status set_nice(pid_t tid, int nice) {
  FFRTMP_TRY(fault::check("nice", cat(tid)));
  return sys::write_nice(tid, nice);
}

Status nice_all(const sys::Host& host, pid_t pid, int nice, PriorityChange& change) {
  LimitReport& report = change.nice.emplace(new_report(LimitName::kNice, nice));
  std::set<pid_t> seen;
  for (int pass = 0; pass < kPasses; ++pass) {
    FFRTMP_ASSIGN(const std::vector<pid_t> threads, sys::read_threads(host, pid));
    bool any_new = false;
    for (const pid_t tid : threads) {
      if (!seen.insert(tid).second) continue;
      any_new = true;
      const auto before = sys::read_nice(tid);
      if (!before || *before == nice) continue;  // ended, or so already
      const Status set = set_nice(tid, nice);
      if (set) {
        change.nice_before[cat(tid)] = *before;
      } else if (set.error().code != Errc::kGone) {
        fail(report, set.error());
      }
    }
    if (!any_new) break;
  }
  for (const pid_t tid : seen)
    if (const auto now = sys::read_nice(tid)) compare(report, cat("tid ", tid), *now);
  return {};
}

Status set_oom_score_adj(const sys::Host& host, pid_t pid, int value, PriorityChange& change) {
  LimitReport& report = change.oom_score_adj.emplace(new_report(LimitName::kOomScoreAdj, value));
  FFRTMP_ASSIGN(const int before, sys::read_oom_score_adj(host, pid));
  if (before != value) {
    const Status set = sys::write_oom_score_adj(host, pid, value);
    if (set)
      change.oom_score_adj_before = before;
    else if (set.error().code == Errc::kGone)
      return set;
    else
      fail(report, set.error());
  }
  FFRTMP_ASSIGN(const int now, sys::read_oom_score_adj(host, pid));
  compare(report, "read back", now);
  return {};
}

}  // namespace

Result<PriorityChange> apply_priorities(const sys::Host& host, pid_t pid, const Limits& limits) {
  PriorityChange change;
  if (limits.nice) FFRTMP_TRY(nice_all(host, pid, *limits.nice, change));
  if (limits.oom_score_adj) FFRTMP_TRY(set_oom_score_adj(host, pid, *limits.oom_score_adj, change));
  return change;
}

Result<PriorityChange> read_priorities(const sys::Host& host, pid_t pid, const Limits& limits) {
  PriorityChange change;
  if (limits.nice) {
    LimitReport& report = change.nice.emplace(new_report(LimitName::kNice, *limits.nice));
    FFRTMP_ASSIGN(const std::vector<pid_t> threads, sys::read_threads(host, pid));
    for (const pid_t tid : threads)
      if (const auto now = sys::read_nice(tid)) compare(report, cat("tid ", tid), *now);
  }
  if (limits.oom_score_adj) {
    LimitReport& report = change.oom_score_adj.emplace(new_report(LimitName::kOomScoreAdj, *limits.oom_score_adj));
    FFRTMP_ASSIGN(const int now, sys::read_oom_score_adj(host, pid));
    compare(report, "read back", now);
  }
  return change;
}

Status restore_nice(const sys::Host& host, pid_t pid, const std::map<std::string, int>& before, int for_others,
                    int applied) {
  FFRTMP_ASSIGN(const std::vector<pid_t> threads, sys::read_threads(host, pid));
  Status status;
  for (const pid_t tid : threads) {
    const auto now = sys::read_nice(tid);
    if (!now || *now != applied) continue;
    const auto known = before.find(cat(tid));
    const int wanted = known == before.end() ? for_others : known->second;
    if (wanted == applied) continue;
    const Status set = set_nice(tid, wanted);
    if (!set && set.error().code != Errc::kGone) status = set;
  }
  return status;
}

}  // namespace ffrtmp::govern
