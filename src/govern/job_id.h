#pragma once
// Names of governed jobs. A job id is the name of its group's directory, so it can hold nothing that leaves "ffrtmp/".
#include <sys/types.h>

#include <string>
#include <string_view>

namespace ffrtmp::govern {

constexpr std::size_t kMaxJobIdBytes = 128;

// Pure. Bytes outside [A-Za-z0-9._-] and leading dots become '_'; cut at kMaxJobIdBytes; "" stays "".
[[nodiscard]] std::string clean_job_id(std::string_view text);
// "auto-<command>-<pid>", cleaned; a long command is cut so that the pid stays.
[[nodiscard]] std::string make_auto_job_id(std::string_view command, pid_t pid);

}  // namespace ffrtmp::govern
