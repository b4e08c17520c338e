#include "worker/publish.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "worker/output_dir.h"
#include "worker/publish_hls.h"

namespace ffrtmp::worker {

Status make_staged(const Move& move) {
  if (move.is_hls()) return make_staged_dir(move);
  const OutputDir dir(move.dir);
  if (dir.fd() < 0) return last_sys_error(cat("open ", move.dir));
  const int fd = openat(dir.fd(), move.staged.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd < 0) return last_sys_error(cat("create ", move.dir, "/", move.staged));
  close(fd);
  return {};
}

Result<std::uint64_t> sync_staged(const Move& move) {
  if (move.is_hls()) return sync_staged_hls(move);
  const std::string path = cat(move.dir, "/", move.staged);
  const OutputDir dir(move.dir);
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
  const OutputDir dir(move.dir);
  return dir.fd() >= 0 && move.inode != 0 && inode_of(dir.fd(), move.name) == move.inode;
}

Status publish(const Move& move) {
  if (move.is_hls()) return publish_hls(move);
  const OutputDir dir(move.dir);
  if (dir.fd() < 0) return last_sys_error(cat("open ", move.dir));
  dir.lock();
  if (inode_of(dir.fd(), move.staged) != move.inode)
    return make_error(Errc::kGone, cat("the staged file was replaced: ", move.dir, "/", move.staged));
  int err = rename_noreplace({dir.fd(), move.staged}, {dir.fd(), move.name});
  if (err == EEXIST) {
    if (!move.may_replace) return make_error(Errc::kForbidden, cat("output exists: ", move.dir, "/", move.name));
    if (is_directory(dir.fd(), move.name)) return make_error(Errc::kForbidden, cat("output is a directory: ", move.dir, "/", move.name));
    err = exchange({dir.fd(), move.staged}, {dir.fd(), move.name});
  }
  if (err != 0) return sys_error(cat("rename to ", move.dir, "/", move.name), err);
  if (fsync(dir.fd()) != 0) return last_sys_error(cat("fsync ", move.dir));
  return {};
}

void settle(const Move& move) {
  if (move.is_hls()) return settle_hls(move);
  const OutputDir dir(move.dir);
  if (dir.fd() < 0) return;
  unlinkat(dir.fd(), move.staged.c_str(), 0);
}

void take_back(const Move& move) {
  if (move.is_hls()) return take_back_hls(move);
  const OutputDir dir(move.dir);
  if (dir.fd() < 0) return;
  dir.lock();
  if (move.inode != 0 && inode_of(dir.fd(), move.name) == move.inode) {
    // What stands under the staged name now is the file that ours replaced.
    if (inode_of(dir.fd(), move.staged) != 0) {
      if (exchange({dir.fd(), move.staged}, {dir.fd(), move.name}) == 0) unlinkat(dir.fd(), move.staged.c_str(), 0);
    } else {
      unlinkat(dir.fd(), move.name.c_str(), 0);
    }
  } else {
    unlinkat(dir.fd(), move.staged.c_str(), 0);
  }
}

}  // namespace ffrtmp::worker
