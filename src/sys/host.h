#pragma once
// Where the kernel's trees are mounted. The only place that writes "/proc" and "/sys"; handed in, so that a test builds
// its own kernel in a directory.
#include <string>

namespace ffrtmp::sys {

struct Host {
  std::string proc;  // of the initial PID namespace, also when read from inside another one
  std::string sys;

  [[nodiscard]] static Host real() { return {"/proc", "/sys"}; }
};

}  // namespace ffrtmp::sys
