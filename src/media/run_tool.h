#pragma once
// RunTool on real processes: a session of its own, killed whole on timeout, cancel, or the death of the calling thread.
#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "media/probe.h"
#include "sys/confinement.h"

namespace ffrtmp::media {

struct ToolSettings {
  std::vector<std::string> env;  // whole environment; empty: the caller's
  std::optional<int> nice;
  const std::atomic<bool>* canceled = nullptr;  // looked at every 50 ms; outlives the RunTool
  std::optional<std::uint64_t> max_data_bytes = {};  // see sys/spawn.h
  // All of the file system that the tool may reach; absent: what its user may.
  std::optional<sys::Confinement> reach = {};
};

// kGone: no such program. kTimeout; kUnavailable after a cancel; kTooLarge: more than 64 MiB of output, or 4 GiB that
// is taken as it comes. kIo with ENOMEM: it complained of want of memory under max_data_bytes. kUnsupported: a reach on
// a kernel without Landlock. Any thread.
[[nodiscard]] RunTool make_run_tool(ToolSettings settings = {});

}  // namespace ffrtmp::media
