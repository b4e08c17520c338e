#pragma once
// Settings as text: for a person, a file, a program, a shell. Pure.
#include <string>
#include <vector>

#include "config/recommend.h"
#include "config/sources.h"
#include "model/node.h"

namespace ffrtmp::cli {

struct Recommendation {
  config::Environment environment = config::Environment::kProduction;
  model::NodeFacts machine;
  std::vector<config::RecommendedSetting> settings;
};
[[nodiscard]] std::string recommendation_text(const Recommendation& r);
[[nodiscard]] std::string recommendation_json(const Recommendation& r);
// A file for `ffrtmp worker --config`.
[[nodiscard]] std::string recommendation_yaml(const Recommendation& r);
// Variables for a shell that starts a worker.
[[nodiscard]] std::string recommendation_bash(const Recommendation& r);

// A file for --config; where each setting comes from stands behind it. Secrets are not in it.
[[nodiscard]] std::string settings_yaml(const std::vector<config::Effective>& settings);
[[nodiscard]] std::string settings_json(const std::vector<config::Effective>& settings);

}  // namespace ffrtmp::cli
