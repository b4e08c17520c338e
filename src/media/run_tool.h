#pragma once
// RunTool on real processes: a session of its own, killed whole on timeout, cancel, or the death of the calling thread.
#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "media/probe.h"

namespace ffrtmp::media {

struct ToolSettings {
  std::vector<std::string> env;  // whole environment; empty: the caller's
  std::optional<int> nice;
  int cgroup_dir = -1;                          // see sys/spawn.h
  const std::atomic<bool>* canceled = nullptr;  // looked at every 50 ms; outlives the RunTool
};

// kGone: no such program. kTimeout; kUnavailable after a cancel; kTooLarge: more than 64 MiB of output, or 4 GiB that
// is taken as it comes. Any thread.
[[nodiscard]] RunTool make_run_tool(ToolSettings settings = {});

}  // namespace ffrtmp::media
