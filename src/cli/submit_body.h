#pragma once
// The body of POST /jobs out of flags and a file. What a value may be is the master's business; here only its place.
#include <string>

#include "base/result.h"
#include "cli/command.h"

namespace ffrtmp::cli {

// The flags of `jobs submit` that are fields of a job.
[[nodiscard]] std::vector<FlagSpec> job_flags();
// A file (JSON; "-" is stdin) first, flags over it. Relative paths of input and output are made absolute against `cwd`.
[[nodiscard]] Result<std::string> make_submit_body(const Invocation& invocation, const std::string& cwd);
// "clip.mp4" -> "/home/me/clip.mp4"; URLs and absolute paths stay.
[[nodiscard]] std::string absolute_path(const std::string& path, const std::string& cwd);

}  // namespace ffrtmp::cli
