#include "govern/filters.h"

#include <algorithm>

#include "base/text.h"
#include "sys/path.h"

namespace ffrtmp::govern {
namespace {

template <class T>
bool contains(const std::vector<T>& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

FilterCheck passed(FilterName filter, std::string observed, std::string key, std::string rule) {
  return {filter, CheckOutcome::kPass, std::move(observed), std::move(rule), std::move(key), false};
}

FilterCheck failed(FilterName filter, std::string observed, std::string key, std::string rule) {
  return {filter, CheckOutcome::kFail, std::move(observed), std::move(rule), std::move(key), false};
}

// An allow list, when there is one, must hold the value; a block list must not. In both: blocked.
template <class List, class InList>
FilterCheck check_lists(FilterName filter, std::string_view what, const std::string& observed, bool is_known,
                        const List& allowed, const List& blocked, const InList& in_list) {
  const std::string allow_key = cat("allowed_", what);
  const std::string block_key = cat("blocked_", what);
  if (allowed.empty() && blocked.empty()) return {filter, CheckOutcome::kOff, observed, "no rule", "", false};
  if (is_known && in_list(blocked)) return failed(filter, observed, block_key, cat("is in ", block_key));
  if (allowed.empty()) return passed(filter, observed, block_key, cat("is not in ", block_key));
  if (!is_known) return failed(filter, observed, allow_key, cat("unreadable, so not in ", allow_key));
  if (!in_list(allowed)) return failed(filter, observed, allow_key, cat("is not in ", allow_key));
  return passed(filter, observed, allow_key, cat("is in ", allow_key));
}

FilterCheck check_users(const FilterFacts& facts, const Filters& filters) {
  return check_lists(FilterName::kUsers, "users", facts.user, facts.uid.has_value(), filters.allowed_users,
                     filters.blocked_users, [&](const auto& list) { return contains(list, facts.user); });
}

FilterCheck check_uids(const FilterFacts& facts, const Filters& filters) {
  return check_lists(FilterName::kUids, "uids", facts.uid ? cat(*facts.uid) : "unreadable", facts.uid.has_value(),
                     filters.allowed_uids, filters.blocked_uids,
                     [&](const auto& list) { return contains(list, *facts.uid); });
}

std::string shown_parent(const ParentFacts& parent) {
  if (!parent.is_readable) return cat(parent.pid, " (unreadable)");
  const auto& name = parent.names.exe ? parent.names.exe : parent.names.argv0;
  return cat(parent.pid, " (", *name, ")");
}

// The pid is known also of a parent that cannot be read.
bool is_parent(const ParentFacts& parent, const std::string& rule) {
  return rule == cat(parent.pid) || parent.names.exe == rule || parent.names.argv0 == rule;
}

FilterCheck check_parents(const FilterFacts& facts, const Filters& filters) {
  const auto in_list = [&](const std::vector<std::string>& list) {
    return std::any_of(list.begin(), list.end(),
                       [&](const std::string& rule) { return is_parent(facts.parent, rule); });
  };
  return check_lists(FilterName::kParents, "parents", shown_parent(facts.parent), facts.parent.pid > 0,
                     filters.allowed_parents, filters.blocked_parents, in_list);
}

FilterCheck check_runtime(const FilterFacts& facts, const Filters& filters) {
  const std::string age = format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(facts.age));
  const auto zero = std::chrono::nanoseconds(0);
  if (filters.max_runtime > zero && facts.age > filters.max_runtime)
    return failed(FilterName::kRuntime, age, "max_runtime",
                  cat("is above max_runtime ", format_duration(filters.max_runtime)));
  if (filters.min_runtime > zero && facts.age < filters.min_runtime) {
    auto check = failed(FilterName::kRuntime, age, "min_runtime",
                        cat("is below min_runtime ", format_duration(filters.min_runtime)));
    check.is_young = true;
    return check;
  }
  if (filters.min_runtime > zero)
    return passed(FilterName::kRuntime, age, "min_runtime",
                  cat("is at least min_runtime ", format_duration(filters.min_runtime)));
  if (filters.max_runtime > zero)
    return passed(FilterName::kRuntime, age, "max_runtime",
                  cat("is at most max_runtime ", format_duration(filters.max_runtime)));
  return {FilterName::kRuntime, CheckOutcome::kOff, age, "no rule", "", false};
}

FilterCheck check_dirs(const FilterFacts& facts, const Filters& filters) {
  const auto in_list = [&](const std::vector<std::string>& list) {
    return std::any_of(list.begin(), list.end(),
                       [&](const std::string& rule) { return sys::is_at_or_below(*facts.cwd, rule); });
  };
  // Unlike the other filters this one must not pass unread: a block list could be evaded by being unreadable.
  if (!facts.cwd && (!filters.allowed_dirs.empty() || !filters.blocked_dirs.empty())) {
    const std::string key = filters.blocked_dirs.empty() ? "allowed_dirs" : "blocked_dirs";
    return failed(FilterName::kDirs, "unreadable", key, "cannot be compared with the directory rules");
  }
  return check_lists(FilterName::kDirs, "dirs", facts.cwd.value_or("unreadable"), facts.cwd.has_value(),
                     filters.allowed_dirs, filters.blocked_dirs, in_list);
}

}  // namespace

std::string_view name_of(FilterName filter) {
  switch (filter) {
    case FilterName::kUsers:
      return "users";
    case FilterName::kUids:
      return "uids";
    case FilterName::kParents:
      return "parents";
    case FilterName::kRuntime:
      return "runtime";
    case FilterName::kDirs:
      return "dirs";
  }
  return "";
}

std::vector<FilterCheck> check_filters(const FilterFacts& facts, const Filters& filters) {
  return {check_users(facts, filters), check_uids(facts, filters), check_parents(facts, filters),
          check_runtime(facts, filters), check_dirs(facts, filters)};
}

Verdict decide(const std::vector<FilterCheck>& checks) {
  const FilterCheck* young = nullptr;
  for (const FilterCheck& check : checks) {
    if (check.outcome != CheckOutcome::kFail) continue;
    if (!check.is_young) return {Verdict::Kind::kSkip, check};
    young = &check;
  }
  if (young != nullptr) return {Verdict::Kind::kWait, *young};
  return {};
}

}  // namespace ffrtmp::govern
