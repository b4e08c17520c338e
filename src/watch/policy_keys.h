#pragma once
// Every key of the policy, one statement each: where it stands in the file, which flag it has, what it takes. File,
// flags, variables, --help and `explain` are all made of these rows.
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/table.h"
#include "govern/policy.h"

namespace ffrtmp::watch {

struct PolicyKey {
  std::string path;  // "default_limits.cpu_quota"
  std::string flag;  // "cpu-quota"; empty: file only
  config::Kind kind = config::Kind::kValue;
  std::string help;
  std::string shown_default;
  // Replaces the value; says what is wrong with the texts, or nothing. A key that is no list gets one text.
  std::function<std::optional<std::string>(const std::vector<std::string>&)> set;
};

// The keys refer to what they are made with.
[[nodiscard]] std::vector<PolicyKey> limit_keys(govern::Limits& limits);     // paths without a section
[[nodiscard]] std::vector<PolicyKey> filter_keys(govern::Filters& filters);  // likewise
[[nodiscard]] std::vector<PolicyKey> match_keys(govern::MatchMode& match);
// All others.
[[nodiscard]] std::vector<PolicyKey> daemon_keys(govern::Policy& policy);

}  // namespace ffrtmp::watch
