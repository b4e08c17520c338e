#include "supervisor/disk_usage.h"

#include <filesystem>
#include <system_error>

namespace ffrtmp::supervisor {
namespace {

namespace fs = std::filesystem;

std::int64_t file_bytes(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(fs::symlink_status(path, error))) return 0;
  const auto size = fs::file_size(path, error);
  return error ? 0 : static_cast<std::int64_t>(size);
}

}  // namespace

std::int64_t read_disk_bytes(const std::vector<std::string>& paths) {
  std::int64_t sum = 0;
  for (const std::string& path : paths) {
    sum += file_bytes(path);
    std::error_code error;
    fs::recursive_directory_iterator at(path, fs::directory_options::skip_permission_denied, error);
    for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) sum += file_bytes(at->path());
  }
  return sum;
}

}  // namespace ffrtmp::supervisor
