#pragma once
// What engines, ffprobe and the verifier find in their environment.
#include <string>
#include <vector>

#include "model/limits.h"
#include "worker/settings.h"

namespace ffrtmp::worker {

// The whole of it, NAME=value, for a job under `limits`: where programs are found and nothing of a user. It asks glibc
// to lay pictures into huge pages, which saves encoders CPU time (bench/overhead prints it as "engine s") and makes
// them larger. So a job that bounds its own memory does without, and GLIBC_TUNABLES of the worker's own environment
// goes before, also an empty one. Other C libraries, and kernels whose transparent huge pages are off, pay it no heed.
// Source: glibc manual, Memory Allocation Tunables; madvise(2), MADV_HUGEPAGE.
[[nodiscard]] std::vector<std::string> engine_environment(const Settings& settings,
                                                          const model::ResourceLimits& limits);

}  // namespace ffrtmp::worker
