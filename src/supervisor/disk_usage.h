#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace ffrtmp::supervisor {

// Sizes of the files at and below `paths`; what is not there (yet, any more) counts nothing. Links are not followed.
[[nodiscard]] std::int64_t read_disk_bytes(const std::vector<std::string>& paths);

}  // namespace ffrtmp::supervisor
