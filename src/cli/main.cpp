#include "cli/main.h"

#include "base/fault.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/completion.h"
#include "cli/config.h"
#include "cli/jobs.h"
#include "cli/nodes.h"
#include "cli/parser.h"
#include "cli/session.h"

namespace ffrtmp::cli {
namespace {

std::vector<FlagSpec> global_flags() {
  config::ClientSettings defaults;
  std::vector<FlagSpec> flags = flags_of(config::client_table(defaults));
  flags.push_back({"fault", config::Kind::kSwitch, "arm FFRTMP_FAULT", "", true});
  return flags;
}

std::vector<Command> all_commands(const Roles& roles) {
  std::vector<Command> commands = role_commands(roles);
  for (auto& command : jobs_commands()) commands.push_back(std::move(command));
  for (auto& command : nodes_commands()) commands.push_back(std::move(command));
  for (auto& command : config_commands(roles)) commands.push_back(std::move(command));
  for (const auto& command : roles.others) commands.push_back(command);
  commands.push_back({"version", "print the version", {}, {}, false, [](const Invocation&) {
                        print_out(cat("ffrtmp ", version(), "\n"));
                        return 0;
                      }});
  commands.push_back({"completion",
                      "a script that completes commands and flags in a shell",
                      {{"SHELL", "bash, zsh or fish"}},
                      {},
                      false,
                      [roles](const Invocation& invocation) {
                        const auto script =
                            completion_script(invocation.positionals.front(), all_commands(roles), global_flags());
                        if (!script) {
                          print_error(script.error().message);
                          return kUsageExit;
                        }
                        print_out(*script);
                        return 0;
                      }});
  return commands;
}

}  // namespace

int run(const Roles& roles, const std::vector<std::string>& arguments) {
  const std::vector<Command> commands = all_commands(roles);
  const Parsed parsed = parse(commands, global_flags(), arguments);
  for (const std::string& error : parsed.errors) print_error(error);
  if (!parsed.errors.empty()) return kUsageExit;
  if (parsed.command == nullptr) {
    print_out(parsed.text);
    return arguments.empty() ? kUsageExit : 0;
  }
  if (parsed.invocation.has("fault")) {
    if (const auto armed = fault::arm_from_environment(); !armed) {
      print_error(armed.error().message);
      return kUsageExit;
    }
  }
  return parsed.command->run(parsed.invocation);
}

}  // namespace ffrtmp::cli
