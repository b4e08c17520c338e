#include "master/wire_commands.h"

namespace ffrtmp::master {
namespace {

const char* action_name(store::Action action) {
  switch (action) {
    case store::Action::kPause: return "pause";
    case store::Action::kResume: return "resume";
    case store::Action::kCancel: return "cancel";
    case store::Action::kAbandon: return "abandon";
  }
  return "";
}

}  // namespace

std::vector<api::Command> wire_commands(const std::vector<store::WorkerCommand>& commands) {
  std::vector<api::Command> wire;
  for (const store::WorkerCommand& command : commands)
    wire.push_back({command.command_id, command.attempt_id, action_name(command.action), command.grace_seconds});
  return wire;
}

}  // namespace ffrtmp::master
