#pragma once
// Paths that a job may touch: beneath allowed roots, without symlinks and "..", resolved by the kernel (openat2).
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace ffrtmp::media {

// The syntax alone, for the master: absolute, no "..", no empty or option-like part, beneath one of the roots (any root
// when `roots` is empty). kInvalidField with field left empty.
[[nodiscard]] Status check_path_syntax(const std::string& path, const std::vector<std::string>& roots);

// Opens an input for reading beneath a root, following no symlink: kForbidden outside, kGone when missing, kDenied.
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
