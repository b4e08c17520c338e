#include "config/recommend.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace ffrtmp::config {
namespace {

constexpr std::array<std::string_view, 3> kNames{"development", "staging", "production"};

struct Kind {
  int most_slots;
  std::string_view name;
};
Kind kind_of(model::NodeType type) {
  switch (type) {
    case model::NodeType::kServer:
      return {12, "server"};
    case model::NodeType::kLaptop:
      return {4, "laptop"};
    case model::NodeType::kDesktop:
      break;
  }
  return {6, "desktop"};
}

RecommendedSetting recommend_slots(const model::NodeFacts& machine, Environment environment) {
  const auto hardware = std::find_if(machine.encoders.begin(), machine.encoders.end(),
                                     [](const model::Encoder& e) { return e.usable && e.hardware; });
  const bool has_hardware = hardware != machine.encoders.end();
  const int percent = has_hardware ? 75 : 25;
  const bool is_halved = environment == Environment::kDevelopment;
  const Kind kind = kind_of(machine.type);
  const int share = machine.cpu_threads * percent / (is_halved ? 200 : 100);
  const int slots = std::clamp(share, 1, kind.most_slots);
  std::string reason = cat(percent, " % of ", machine.cpu_threads, " threads, ",
                           has_hardware ? cat("as ", hardware->name, " works") : "as no hardware encoder works",
                           is_halved ? ", half of it in development" : "");
  if (slots < share) reason += cat(", at most ", kind.most_slots, " on a ", kind.name);
  if (slots > share) reason += ", at least one";
  return {"max-concurrent-jobs", cat(slots), std::move(reason)};
}

}  // namespace

Result<Environment> parse_environment(std::string_view text) {
  const auto at = std::find(kNames.begin(), kNames.end(), text);
  if (at == kNames.end())
    return make_error(Errc::kInvalid, "the environment must be development, staging or production");
  return static_cast<Environment>(at - kNames.begin());
}

std::string_view name_of(Environment environment) { return kNames[static_cast<std::size_t>(environment)]; }

std::vector<RecommendedSetting> recommend(const model::NodeFacts& machine, Environment environment) {
  std::vector<RecommendedSetting> out{recommend_slots(machine, environment)};
  switch (environment) {
    case Environment::kDevelopment:
      out.push_back({"log-level", "debug", "somebody is looking"});
      out.push_back({"drain-timeout", "5s", "a restart should not be waited for"});
      break;
    case Environment::kStaging:
      out.push_back({"log-level", "info", "as in production"});
      out.push_back({"drain-timeout", "30s", "short jobs may finish at a restart, others are given back"});
      break;
    case Environment::kProduction:
      out.push_back({"log-level", "info", "starts, ends and failures"});
      out.push_back({"drain-timeout", "5m", "most jobs may finish at a restart, others are given back"});
      break;
  }
  return out;
}

}  // namespace ffrtmp::config
