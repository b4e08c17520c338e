#include "govern/filters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace ffrtmp::govern {
namespace {

using namespace std::chrono_literals;
using Kind = Verdict::Kind;

FilterFacts facts() {
  FilterFacts f;
  f.uid = 1000;
  f.user = "media";
  f.parent = {77, {"bash", "-bash"}, true};
  f.age = 90s;
  f.cwd = "/data/x";
  return f;
}

struct Row {
  const char* name;
  void (*set)(Filters&, FilterFacts&);
  Kind kind;
  const char* key;  // what decided; "" for a match
};

// contract: G19
const std::array kRows{
    Row{"no rule", [](Filters&, FilterFacts&) {}, Kind::kMatch, ""},
    Row{"user allowed", [](Filters& r, FilterFacts&) { r.allowed_users = {"media"}; }, Kind::kMatch, ""},
    Row{"user not allowed", [](Filters& r, FilterFacts&) { r.allowed_users = {"root"}; }, Kind::kSkip, "allowed_users"},
    Row{"user blocked", [](Filters& r, FilterFacts&) { r.blocked_users = {"media"}; }, Kind::kSkip, "blocked_users"},
    Row{"user in both", [](Filters& r, FilterFacts&) { r.allowed_users = r.blocked_users = {"media"}; }, Kind::kSkip,
        "blocked_users"},
    Row{"user is matched whole",
        [](Filters& r, FilterFacts&) {
          r.blocked_users = {"medi", "Media"};
        },
        Kind::kMatch, ""},
    Row{"nameless user",
        [](Filters& r, FilterFacts& f) {
          f.user = "uid:1000";
          r.allowed_users = {"uid:1000"};
        },
        Kind::kMatch, ""},
    Row{"uid allowed", [](Filters& r, FilterFacts&) { r.allowed_uids = {1000}; }, Kind::kMatch, ""},
    Row{"uid not allowed",
        [](Filters& r, FilterFacts&) {
          r.allowed_uids = {0, 1};
        },
        Kind::kSkip, "allowed_uids"},
    Row{"uid blocked", [](Filters& r, FilterFacts&) { r.blocked_uids = {1000}; }, Kind::kSkip, "blocked_uids"},
    Row{"uid in both", [](Filters& r, FilterFacts&) { r.allowed_uids = r.blocked_uids = {1000}; }, Kind::kSkip,
        "blocked_uids"},
    Row{"user passes, uid does not",
        [](Filters& r, FilterFacts&) {
          r.allowed_users = {"media"};
          r.blocked_uids = {1000};
        },
        Kind::kSkip, "blocked_uids"},
    Row{"unknown owner, allow list",
        [](Filters& r, FilterFacts& f) {
          f.uid.reset();
          r.allowed_uids = {1000};
        },
        Kind::kSkip, "allowed_uids"},
    Row{"parent pid allowed", [](Filters& r, FilterFacts&) { r.allowed_parents = {"77"}; }, Kind::kMatch, ""},
    Row{"parent exe allowed", [](Filters& r, FilterFacts&) { r.allowed_parents = {"bash"}; }, Kind::kMatch, ""},
    Row{"parent argv0 allowed", [](Filters& r, FilterFacts&) { r.allowed_parents = {"-bash"}; }, Kind::kMatch, ""},
    Row{"parent not allowed",
        [](Filters& r, FilterFacts&) {
          r.allowed_parents = {"78", "sh"};
        },
        Kind::kSkip, "allowed_parents"},
    Row{"parent blocked by pid", [](Filters& r, FilterFacts&) { r.blocked_parents = {"77"}; }, Kind::kSkip,
        "blocked_parents"},
    Row{"parent blocked by name", [](Filters& r, FilterFacts&) { r.blocked_parents = {"bash"}; }, Kind::kSkip,
        "blocked_parents"},
    Row{"parent in both",
        [](Filters& r, FilterFacts&) {
          r.allowed_parents = {"bash"};
          r.blocked_parents = {"77"};
        },
        Kind::kSkip, "blocked_parents"},
    Row{"unreadable parent, allow list",
        [](Filters& r, FilterFacts& f) {
          f.parent = {77, {}, false};
          r.allowed_parents = {"bash"};
        },
        Kind::kSkip, "allowed_parents"},
    Row{"unreadable parent, block list of names",
        [](Filters& r, FilterFacts& f) {
          f.parent = {77, {}, false};
          r.blocked_parents = {"bash"};
        },
        Kind::kMatch, ""},
    Row{"old enough", [](Filters& r, FilterFacts&) { r.min_runtime = 90s; }, Kind::kMatch, ""},
    Row{"too young", [](Filters& r, FilterFacts&) { r.min_runtime = 91s; }, Kind::kWait, "min_runtime"},
    Row{"young enough", [](Filters& r, FilterFacts&) { r.max_runtime = 90s; }, Kind::kMatch, ""},
    Row{"too old", [](Filters& r, FilterFacts&) { r.max_runtime = 89s; }, Kind::kSkip, "max_runtime"},
    Row{"too young and of the wrong user: time cannot help",
        [](Filters& r, FilterFacts&) {
          r.min_runtime = 91s;
          r.blocked_users = {"media"};
        },
        Kind::kSkip, "blocked_users"},
    Row{"too young and in the wrong directory",
        [](Filters& r, FilterFacts&) {
          r.min_runtime = 91s;
          r.blocked_dirs = {"/data"};
        },
        Kind::kSkip, "blocked_dirs"},
    Row{"dir allowed", [](Filters& r, FilterFacts&) { r.allowed_dirs = {"/data"}; }, Kind::kMatch, ""},
    Row{"dir not allowed",
        [](Filters& r, FilterFacts&) {
          r.allowed_dirs = {"/srv", "/dat"};
        },
        Kind::kSkip, "allowed_dirs"},
    Row{"dir blocked", [](Filters& r, FilterFacts&) { r.blocked_dirs = {"/data/x"}; }, Kind::kSkip, "blocked_dirs"},
    Row{"dir in both",
        [](Filters& r, FilterFacts&) {
          r.allowed_dirs = {"/data"};
          r.blocked_dirs = {"/data/x"};
        },
        Kind::kSkip, "blocked_dirs"},
    // contract: G21
    Row{"unreadable dir, block list",
        [](Filters& r, FilterFacts& f) {
          f.cwd.reset();
          r.blocked_dirs = {"/data"};
        },
        Kind::kSkip, "blocked_dirs"},
    Row{"unreadable dir, allow list",
        [](Filters& r, FilterFacts& f) {
          f.cwd.reset();
          r.allowed_dirs = {"/"};
        },
        Kind::kSkip, "allowed_dirs"},
    Row{"unreadable dir, no rule", [](Filters&, FilterFacts& f) { f.cwd.reset(); }, Kind::kMatch, ""},
};

TEST(Filters, Rows) {
  for (const Row& row : kRows) {
    Filters filters;
    FilterFacts f = facts();
    row.set(filters, f);
    const Verdict verdict = decide(check_filters(f, filters));
    EXPECT_EQ(verdict.kind, row.kind) << row.name;
    EXPECT_EQ(verdict.why ? verdict.why->key : "", row.key) << row.name;
  }
}

TEST(Filters, TheirOrderDecidesNothing) {
  for (const Row& row : kRows) {
    Filters filters;
    FilterFacts f = facts();
    row.set(filters, f);
    auto checks = check_filters(f, filters);
    const auto by_filter = [](const FilterCheck& a, const FilterCheck& b) { return a.filter < b.filter; };
    std::sort(checks.begin(), checks.end(), by_filter);
    do {
      EXPECT_EQ(decide(checks).kind, row.kind) << row.name;
    } while (std::next_permutation(checks.begin(), checks.end(), by_filter));
  }
}

}  // namespace
}  // namespace ffrtmp::govern
