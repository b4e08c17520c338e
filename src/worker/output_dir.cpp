#include "worker/output_dir.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>

#include "base/text.h"
#include "sys/lock.h"

namespace ffrtmp::worker {
namespace {

constexpr std::chrono::milliseconds kLockPatience{5000};
constexpr std::string_view kPart = ".part";

// Source: openat2(2), Linux 5.6.
int open_resolved_directory(const std::string& path) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS;
  for (;;) {
    const long fd = syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how);
    if (fd >= 0 || (errno != EINTR && errno != EAGAIN)) return static_cast<int>(fd);
  }
}

}  // namespace

OutputDir::OutputDir(const std::string& path) : fd_(open_resolved_directory(path)) {}

void OutputDir::lock() const {
  const auto give_up = std::chrono::steady_clock::now() + kLockPatience;
  while (!sys::try_lock(fd_.get()) && std::chrono::steady_clock::now() < give_up)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

bool is_directory(int dir, const std::string& name) {
  struct stat info {};
  return fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
}

FileMark mark_of(const struct stat& info) {
  return {info.st_ino, std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec};
}

FileMark mark_of(int dir, const std::string& name) {
  struct stat info {};
  return fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 ? mark_of(info) : FileMark{};
}

std::string staged_name(const std::string& name, const std::string& attempt) {
  const std::filesystem::path path(name);
  return cat(path.stem().string(), ".", attempt, kPart, path.extension().string());
}

bool is_staged_name(std::string_view entry, const std::string& name) {
  const std::filesystem::path path(name);
  const std::string begin = cat(path.stem().string(), ".");
  const std::string end = cat(kPart, path.extension().string());
  return entry.size() > begin.size() + end.size() && entry.starts_with(begin) && entry.ends_with(end);
}

}  // namespace ffrtmp::worker
