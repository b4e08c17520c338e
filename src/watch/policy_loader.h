#pragma once
// A policy from flags, environment, file and defaults, in that order of precedence for each key. Everything wrong in
// any of them is said at once:
//
//   FILE:LINE:COL: key.path: problem[, did you mean "x"?]      of a file
//   invalid key.path: "value": problem (--flag, or FFRTMP_VAR)   of the other two
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/sources.h"
#include "govern/policy.h"

namespace ffrtmp::watch {

struct PolicySources {
  config::Flags flags;                                                        // others than the policy's are ignored
  std::function<std::optional<std::string>(const std::string&)> environment;  // as getenv
  std::string file;                                                           // empty: none
};

struct LoadedPolicy {
  govern::Policy policy;
  std::vector<std::string> errors;  // empty: `policy` is good
  std::vector<std::string> warnings;
};

[[nodiscard]] LoadedPolicy load_policy(const PolicySources& sources);

// FFRTMP_A_B of the flag "a-b".
[[nodiscard]] std::string variable_of(const std::string& flag);

}  // namespace ffrtmp::watch
