#pragma once
// Settings of a worker that fit its machine. Pure.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/node.h"

namespace ffrtmp::config {

enum class Environment : std::uint8_t { kDevelopment, kStaging, kProduction };
// kInvalid names the words there are.
[[nodiscard]] Result<Environment> parse_environment(std::string_view text);
[[nodiscard]] std::string_view name_of(Environment environment);

struct RecommendedSetting {
  std::string name;  // of the flag and of the key in a file
  std::string value;
  std::string reason;  // in a person's words, one line
};
// Jobs at a time: 75 % of the threads with a usable hardware encoder, else 25 %; half of that in development; at least
// one, at most 4 on a laptop, 6 on a desktop, 12 on a server. And what follows from the environment.
[[nodiscard]] std::vector<RecommendedSetting> recommend(const model::NodeFacts& machine, Environment environment);

}  // namespace ffrtmp::config
