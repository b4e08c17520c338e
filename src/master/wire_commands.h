#pragma once
// Commands for a worker in their wire form.
#include <vector>

#include "api/wire.h"
#include "store/command.h"

namespace ffrtmp::master {

[[nodiscard]] std::vector<api::Command> wire_commands(const std::vector<store::WorkerCommand>& commands);

}  // namespace ffrtmp::master
