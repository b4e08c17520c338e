#include "cli/roles.h"

#include "api/client_file.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/session.h"

namespace ffrtmp::cli {
namespace {

const FlagSpec kConfigFlag{"config", config::Kind::kValue,
                           "YAML file of settings; its keys are the names of these flags"};

// Flags that belong to no setting, and every fault of every source, one line each.
bool load_all(const Invocation& invocation, const config::Table& table) {
  bool is_good = true;
  config::Sources sources{invocation.flags, config::process_environment, invocation.value("config")};
  for (const auto& [name, values] : invocation.flags) {
    if (name == "config" || name == "fault" || table.find(name) != nullptr) continue;
    print_error(cat("--", name, " means nothing to ", invocation.command));
    is_good = false;
  }
  for (const Error& error : config::load(table, sources)) {
    print_error(error.message);
    is_good = false;
  }
  return is_good;
}

void configure_log(const std::string& component, const config::CommonSettings& common) {
  log::configure(component, common.log_level, common.log_format);
}

template <class Settings>
std::vector<FlagSpec> role_flags(config::Table (*table_of)(Settings&), Settings settings) {
  std::vector<FlagSpec> flags = flags_of(table_of(settings));
  flags.push_back(kConfigFlag);
  return flags;
}

template <class Settings>
std::vector<FlagSpec> launch_flags(config::Table (*table_of)(Settings&), Settings settings) {
  return flags_of(table_of(settings));
}

template <class Settings>
Settings with_state_dir(Settings settings = {}) {
  settings.common.state_dir = api::default_state_dir();
  return settings;
}

int run_master(const Roles& roles, const Invocation& invocation) {
  auto settings = master_defaults();
  if (!load_all(invocation, config::master_table(settings))) return kUsageExit;
  configure_log("master", settings.common);
  return roles.master(settings);
}

int run_worker(const Roles& roles, const Invocation& invocation) {
  auto settings = worker_defaults();
  if (!load_all(invocation, config::worker_table(settings))) return kUsageExit;
  configure_log("worker", settings.common);
  if (settings.do_register) {
    const auto found = complete_from_client_file(settings.client, settings.master, settings.api_key, settings.ca);
    // A client file that was named has to be good; without one the default address is tried.
    if (!found && !settings.client.empty()) {
      print_error(found.error().message);
      return exit_code(found.error().code);
    }
    if (settings.master.empty()) settings.master = config::kDefaultMaster;
  }
  return roles.worker(settings);
}

int run_up(const Roles& roles, const Invocation& invocation) {
  auto settings = up_defaults();
  if (!load_all(invocation, config::up_table(settings))) return kUsageExit;
  settings.master.common = settings.worker.common = settings.common;
  configure_log("up", settings.common);
  return roles.up(settings);
}

// Global flags that mean something to a command which talks to no master.
bool is_for_all(const std::string& flag) { return flag == "fault"; }

// As load_all, without a file, and with what only shows in all limits together.
bool load_launch(const Invocation& invocation, const config::Table& table, const model::Limits& limits) {
  bool is_good = true;
  for (const auto& [name, values] : invocation.flags) {
    if (is_for_all(name) || table.find(name) != nullptr) continue;
    print_error(cat("--", name, " means nothing to ", invocation.command));
    is_good = false;
  }
  std::vector<Error> errors = config::load(table, {invocation.flags, config::process_environment, {}});
  for (Error& error : config::check_limits(limits)) errors.push_back(std::move(error));
  for (const Error& error : errors) print_error(error.message);
  return is_good && errors.empty();
}

int run_run(const Roles& roles, const Invocation& invocation) {
  config::RunSettings settings;
  if (!load_launch(invocation, config::run_table(settings), settings.govern.limits)) return kUsageExit;
  settings.command = invocation.rest;
  return roles.run(settings);
}

int run_attach(const Roles& roles, const Invocation& invocation) {
  config::AttachSettings settings;
  if (!load_launch(invocation, config::attach_table(settings), settings.govern.limits)) return kUsageExit;
  if (settings.pid == 0) {
    print_error("--pid is missing");
    return kUsageExit;
  }
  return roles.attach(settings);
}

}  // namespace

config::MasterSettings master_defaults() { return with_state_dir<config::MasterSettings>(); }

config::WorkerSettings worker_defaults() { return with_state_dir<config::WorkerSettings>(); }

config::UpSettings up_defaults() {
  auto settings = with_state_dir<config::UpSettings>();
  settings.master.listen = "127.0.0.1";  // master and worker are on this host
  return settings;
}

std::vector<Command> role_commands(const Roles& roles) {
  const auto bind = [&roles](int (*run)(const Roles&, const Invocation&)) {
    return [roles, run](const Invocation& invocation) { return run(roles, invocation); };
  };
  return {
      {"up", "master and worker in one process", {}, role_flags(config::up_table, up_defaults()), false, bind(run_up)},
      {"master",
       "take jobs and hand them out",
       {},
       role_flags(config::master_table, master_defaults()),
       false,
       bind(run_master)},
      {"worker",
       "run jobs of a master",
       {},
       role_flags(config::worker_table, worker_defaults()),
       false,
       bind(run_worker)},
      {"run",
       "start a program inside limits",
       {},
       launch_flags(config::run_table, config::RunSettings{}),
       false,
       bind(run_run),
       "CMD [ARG...]"},
      {"attach",
       "put a running process under limits",
       {},
       launch_flags(config::attach_table, config::AttachSettings{}),
       false,
       bind(run_attach)},
      {"supervise",
       "watch over one attempt",
       {{"DIR", "directory of the attempt"}},
       {},
       true,
       [roles](const Invocation& invocation) { return roles.supervise(invocation.positionals.front()); }},
  };
}

}  // namespace ffrtmp::cli
