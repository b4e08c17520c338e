#pragma once
// Paths that a job may touch: beneath allowed roots, without symlinks and "..", resolved by the kernel (openat2).
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace ffrtmp::media {

// Opens an input for reading beneath a root, following no symlink: kForbidden outside, kGone when missing, kDenied;
// kInvalidField for what is no plain path (model/locator.h).
// Returns a descriptor; ffmpeg is given /proc/self/fd/N or the path it was resolved to.
struct OpenedInput {
  int fd = -1;       // owned by the caller
  std::string path;  // absolute, as the kernel resolved it
  std::int64_t size_bytes = 0;
};
[[nodiscard]] Result<OpenedInput> open_input(const std::string& path, const std::vector<std::string>& roots);

// The parent directory of an output, opened beneath a root without following symlinks (missing directories are made),
// and the last part of the path.
struct OutputPlace {
  int dir_fd = -1;  // owned by the caller
  std::string dir;  // absolute, as resolved
  std::string name;
};
[[nodiscard]] Result<OutputPlace> open_output_place(const std::string& path, const std::vector<std::string>& roots);

}  // namespace ffrtmp::media
