#include "worker/publish.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <thread>

#include "base/text.h"
#include "sys/lock.h"

namespace ffrtmp::worker {
namespace {

constexpr std::chrono::milliseconds kLockPatience{5000};

// The resolved path has no links in it: one that stands there now was put in the directory's place, and leads to where
// nobody allowed us to write. Source: openat2(2), Linux 5.6.
int open_resolved_directory(const std::string& path) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS;
  for (;;) {
    const long fd = syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how);
    if (fd >= 0 || (errno != EINTR && errno != EAGAIN)) return static_cast<int>(fd);
  }
}

class Directory {
 public:
  explicit Directory(const std::string& path) : fd_(open_resolved_directory(path)) {}
  ~Directory() {
    if (fd_ >= 0) close(fd_);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  [[nodiscard]] int fd() const { return fd_; }
  void lock() const {
    const auto give_up = std::chrono::steady_clock::now() + kLockPatience;
    while (!sys::try_lock(fd_) && std::chrono::steady_clock::now() < give_up)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }

 private:
  int fd_;
};

bool is_directory(int dir, const std::string& name) {
  struct stat info {};
  return fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
}

std::uint64_t inode_of(int dir, const std::string& name) {
  struct stat info {};
  return fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 ? info.st_ino : 0;
}

// link() and unlink() where the file system knows no RENAME_NOREPLACE.
int rename_noreplace(int dir, const std::string& from, const std::string& to) {
  if (renameat2(dir, from.c_str(), dir, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  if (linkat(dir, from.c_str(), dir, to.c_str(), 0) != 0) return errno;
  return unlinkat(dir, from.c_str(), 0) == 0 ? 0 : errno;
}

// A plain rename where the file system cannot exchange: the old file is gone then, the path is whole all the same.
int exchange(int dir, const std::string& from, const std::string& to) {
  if (renameat2(dir, from.c_str(), dir, to.c_str(), RENAME_EXCHANGE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  return renameat(dir, from.c_str(), dir, to.c_str()) == 0 ? 0 : errno;
}

}  // namespace

Status make_staged(const Move& move) {
  const Directory dir(move.dir);
  if (dir.fd() < 0) return last_sys_error(cat("open ", move.dir));
  const int fd = openat(dir.fd(), move.staged.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd < 0) return last_sys_error(cat("create ", move.dir, "/", move.staged));
  close(fd);
  return {};
}

Result<std::uint64_t> sync_staged(const Move& move) {
  const std::string path = cat(move.dir, "/", move.staged);
  const Directory dir(move.dir);
  if (dir.fd() < 0) return last_sys_error(cat("open ", move.dir));
  const int fd = openat(dir.fd(), move.staged.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return last_sys_error(cat("open ", path));
  struct stat info {};
  const bool good = fsync(fd) == 0 && fstat(fd, &info) == 0;
  const int err = errno;
  close(fd);
  if (!good) return sys_error(cat("fsync ", path), err);
  return static_cast<std::uint64_t>(info.st_ino);
}

bool is_published(const Move& move) {
  const Directory dir(move.dir);
  return dir.fd() >= 0 && move.inode != 0 && inode_of(dir.fd(), move.name) == move.inode;
}

Status publish(const Move& move) {
  const Directory dir(move.dir);
  if (dir.fd() < 0) return last_sys_error(cat("open ", move.dir));
  dir.lock();
  if (inode_of(dir.fd(), move.staged) != move.inode)
    return make_error(Errc::kGone, cat("the staged file was replaced: ", move.dir, "/", move.staged));
  int err = rename_noreplace(dir.fd(), move.staged, move.name);
  if (err == EEXIST) {
    if (!move.may_replace) return make_error(Errc::kForbidden, cat("output exists: ", move.dir, "/", move.name));
    if (is_directory(dir.fd(), move.name)) return make_error(Errc::kForbidden, cat("output is a directory: ", move.dir, "/", move.name));
    err = exchange(dir.fd(), move.staged, move.name);
  }
  if (err != 0) return sys_error(cat("rename to ", move.dir, "/", move.name), err);
  if (fsync(dir.fd()) != 0) return last_sys_error(cat("fsync ", move.dir));
  return {};
}

void settle(const Move& move) {
  const Directory dir(move.dir);
  if (dir.fd() < 0) return;
  unlinkat(dir.fd(), move.staged.c_str(), 0);
}

void take_back(const Move& move) {
  const Directory dir(move.dir);
  if (dir.fd() < 0) return;
  dir.lock();
  if (move.inode != 0 && inode_of(dir.fd(), move.name) == move.inode) {
    // What stands under the staged name now is the file that ours replaced.
    if (inode_of(dir.fd(), move.staged) != 0) {
      if (exchange(dir.fd(), move.staged, move.name) == 0) unlinkat(dir.fd(), move.staged.c_str(), 0);
    } else {
      unlinkat(dir.fd(), move.name.c_str(), 0);
    }
  } else {
    unlinkat(dir.fd(), move.staged.c_str(), 0);
  }
}

}  // namespace ffrtmp::worker
