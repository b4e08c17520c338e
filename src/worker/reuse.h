#pragma once
// Size and digest of a file, and an exact copy of it.
#include <cstdint>
#include <string>

#include "base/result.h"

namespace ffrtmp::worker {

struct FileDigest {
  std::int64_t size = 0;
  std::string sha256;
};
// Of a regular file that is no link.
[[nodiscard]] Result<FileDigest> digest_of(const std::string& path);
// Makes `to` anew (0644); shares the blocks where the file system can.
[[nodiscard]] Status copy_file(const std::string& from, const std::string& to);

}  // namespace ffrtmp::worker
