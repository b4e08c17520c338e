#include "worker/publish.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "sys/file_io.h"
#include "sys/rename.h"
#include "worker/publish_hls.h"
#include "worker/undo.h"

namespace ffrtmp::worker {
namespace {

// errno or 0, also when no attempt has ours.
int hand_on(const OutputDir& dir, const Move& move) {
  for (const std::string& name : sys::names_in(dir.fd()))
    if (name != move.staged && is_staged_name(name, move.name) && mark_of(dir.fd(), name) == move.mark)
      return sys::exchange({dir.fd(), move.staged}, {dir.fd(), name});
  return 0;
}

}  // namespace

Status make_staged(const Move& move) {
  if (move.is_hls()) return make_staged_dir(move);
  const OutputDir dir(move.dir);
  if (dir.fd() < 0) return last_sys_error(cat("open ", move.dir));
  const int fd = openat(dir.fd(), move.staged.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd < 0) return last_sys_error(cat("create ", move.dir, "/", move.staged));
  close(fd);
  return {};
}

Result<FileMark> sync_staged(const Move& move) {
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
  const FileMark mark = mark_of(info);
  if (move.mark.exists() && mark != move.mark)
    return make_error(Errc::kGone, cat("the staged file was replaced: ", path));
  return mark;
}

bool is_published(const Move& move) {
  const OutputDir dir(move.dir);
  return dir.fd() >= 0 && move.mark.exists() && mark_of(dir.fd(), move.name) == move.mark;
}

Status publish(const Move& move) {
  if (move.is_hls()) return publish_hls(move);
  const OutputDir dir(move.dir);
  if (dir.fd() < 0) return last_sys_error(cat("open ", move.dir));
  dir.lock();
  if (mark_of(dir.fd(), move.staged) != move.mark)
    return make_error(Errc::kGone, cat("the staged file was replaced: ", move.dir, "/", move.staged));
  int err = sys::rename_noreplace({dir.fd(), move.staged}, {dir.fd(), move.name});
  if (err == EEXIST) {
    if (!move.may_replace) return make_error(Errc::kForbidden, cat("output exists: ", move.dir, "/", move.name));
    if (is_directory(dir.fd(), move.name)) return make_error(Errc::kForbidden, cat("output is a directory: ", move.dir, "/", move.name));
    err = sys::exchange({dir.fd(), move.staged}, {dir.fd(), move.name});
  }
  if (err != 0) return sys_error(cat("rename to ", move.dir, "/", move.name), err);
  if (fsync(dir.fd()) != 0) return last_sys_error(cat("fsync ", move.dir));
  return {};
}

void settle(const Move& move) {
  if (move.is_hls()) return settle_hls(move);
  const OutputDir dir(move.dir);
  if (dir.fd() < 0) return;
  dir.lock();
  unlinkat(dir.fd(), move.staged.c_str(), 0);
}

void take_back(const Move& move) {
  if (move.is_hls()) return take_back_hls(move);
  const OutputDir dir(move.dir);
  if (dir.fd() < 0) return;
  dir.lock();
  const sys::DirEntry path{dir.fd(), move.name};
  const sys::DirEntry staged{dir.fd(), move.staged};
  const Undo undo = decide_undo(move.mark, mark_of(dir.fd(), move.name), mark_of(dir.fd(), move.staged));
  const int err = carry_out(undo, staged, path, [&] { return hand_on(dir, move); });
  if (err != 0) return warn_of_undo(move, err);
  unlinkat(dir.fd(), move.staged.c_str(), 0);
}

}  // namespace ffrtmp::worker
