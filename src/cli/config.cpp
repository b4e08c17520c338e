#include "cli/config.h"

#include <algorithm>

#include "base/text.h"
#include "cli/config_text.h"
#include "cli/session.h"

namespace ffrtmp::cli {
namespace {

using config::Kind;

// Flags of a worker that the look at its machine goes by.
constexpr std::string_view kLookedAtBy[] = {"ffmpeg", "gst-launch", "state-dir"};

int usage_error(const std::string& text) {
  print_error(text);
  return kUsageExit;
}

bool wants_json(const Invocation& invocation) { return invocation.value("output") == "json"; }

int recommend(const Roles& roles, const Invocation& invocation) {
  const std::string format = invocation.has("o") ? invocation.value("o") : wants_json(invocation) ? "json" : "text";
  if (format != "text" && format != "json" && format != "yaml" && format != "bash")
    return usage_error("-o: must be text, json, yaml or bash");
  const auto environment = config::parse_environment(invocation.has("e") ? invocation.value("e") : "production");
  if (!environment) return usage_error(cat("-e: ", environment.error().message));
  config::WorkerSettings settings = worker_defaults();
  config::Sources sources{{}, config::process_environment, ""};
  for (const std::string_view looked : kLookedAtBy) {
    const std::string name(looked);
    if (invocation.has(name)) sources.flags[name] = invocation.values(name);
  }
  const auto errors = config::load(config::worker_table(settings), sources);
  for (const Error& error : errors) print_error(error.message);
  if (!errors.empty()) return kUsageExit;
  auto machine = roles.detect(settings);
  if (!machine) {
    print_error(machine.error().message);
    return exit_code(machine.error().code);
  }
  Recommendation r{*environment, std::move(*machine), {}};
  r.settings = config::recommend(r.machine, *environment);
  print_out(format == "json"   ? recommendation_json(r)
            : format == "yaml" ? recommendation_yaml(r)
            : format == "bash" ? recommendation_bash(r)
                               : recommendation_text(r));
  return 0;
}

int show_table(const config::Table& table, const Invocation& invocation) {
  const config::Sources sources{{}, config::process_environment, invocation.value("config")};
  const auto errors = config::load(table, sources);
  for (const Error& error : errors) print_error(error.message);
  if (!errors.empty()) return kUsageExit;
  const auto settings = config::find_effective(table, sources);
  if (!settings) return usage_error(settings.error().message);
  print_out(wants_json(invocation) ? settings_json(*settings) : settings_yaml(*settings));
  return 0;
}

int show(const Invocation& invocation) {
  const std::string role = invocation.has("role") ? invocation.value("role") : "worker";
  if (role == "worker") {
    config::WorkerSettings settings = worker_defaults();
    return show_table(config::worker_table(settings), invocation);
  }
  if (role == "master") {
    config::MasterSettings settings = master_defaults();
    return show_table(config::master_table(settings), invocation);
  }
  if (role == "up") {
    config::UpSettings settings = up_defaults();
    return show_table(config::up_table(settings), invocation);
  }
  return usage_error("--role: must be worker, master or up");
}

}  // namespace

std::vector<Command> config_commands(const Roles& roles) {
  config::WorkerSettings defaults = worker_defaults();
  std::vector<FlagSpec> flags{{"e", Kind::kValue, "development, staging or production", "production"},
                              {"o", Kind::kValue, "text, json, yaml or bash", "text"}};
  for (FlagSpec& flag : flags_of(config::worker_table(defaults)))
    if (std::find(std::begin(kLookedAtBy), std::end(kLookedAtBy), flag.name) != std::end(kLookedAtBy))
      flags.push_back(std::move(flag));
  return {{"config recommend",
           "settings of a worker that fit this machine",
           {},
           std::move(flags),
           false,
           [roles](const Invocation& invocation) { return recommend(roles, invocation); }},
          {"config show",
           "the settings that a role would start with, and where each comes from",
           {},
           {{"role", Kind::kValue, "worker, master or up", "worker"},
            {"config", Kind::kValue, "YAML file of settings; its keys are the names of the role's flags"}},
           false,
           show}};
}

}  // namespace ffrtmp::cli
