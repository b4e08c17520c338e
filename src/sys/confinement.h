#pragma once
// What of the file system a program may reach, itself and all that it starts, enforced by the kernel (Landlock, since
// Linux 5.13): what is not named cannot be opened, whatever the program's user may do. Open descriptors stay open.
// Source: https://docs.kernel.org/userspace-api/landlock.html
#include <string>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace ffrtmp::sys {

// Files, or directories with all below. One that is not there, or not for the caller, is left out: there is nothing to
// reach.
struct Confinement {
  std::vector<std::string> read;        // read and executed
  std::vector<std::string> write;       // read and written; directories: nothing can be made or removed in them
  std::vector<std::string> write_tree;  // directories in which files are made and removed too
};

// The ruleset to start a program with (Command::ruleset_fd). kUnsupported where the kernel has no Landlock, or has it
// switched off.
[[nodiscard]] Result<Fd> make_ruleset(const Confinement& confinement);

}  // namespace ffrtmp::sys
