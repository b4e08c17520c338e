#pragma once
// `ffrtmp watch status`: what the running daemon says of itself, asked over its socket.
#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.h"

namespace ffrtmp::watch {

// The daemon's whole view, one JSON document. kUnavailable when none answers.
[[nodiscard]] Result<std::string> ask_status(const std::string& runtime_dir);
// Pid of the daemon that answers.
[[nodiscard]] std::optional<pid_t> find_daemon(const std::string& runtime_dir);

}  // namespace ffrtmp::watch
