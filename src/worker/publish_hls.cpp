#include "worker/publish_hls.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/text.h"
#include "sys/file_io.h"
#include "worker/hls_set.h"
#include "worker/output_dir.h"

namespace ffrtmp::worker {
namespace {

constexpr mode_t kStagedMode = 0755;

sys::Fd open_staged(const OutputDir& dir, const Move& move) {
  return sys::Fd(openat(dir.fd(), move.staged.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
}

// The directory and the files in it; it holds no directories.
void remove_staged(const OutputDir& dir, const Move& move) {
  if (const sys::Fd staged = open_staged(dir, move))
    for (const std::string& name : sys::names_in(staged.get())) unlinkat(staged.get(), name.c_str(), 0);
  unlinkat(dir.fd(), move.staged.c_str(), AT_REMOVEDIR);
}

// Of a regular file: what a user put at the path, and we replaced, may be a pipe that nobody writes to.
std::vector<std::string> segments_of(const std::string& playlist) {
  auto list = read_playlist(playlist);
  return list ? std::move(list->list.segments) : std::vector<std::string>();
}

Status sync_file(int dir, const std::string& name) {
  const sys::Fd file(openat(dir, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return last_sys_error(cat("open ", name));
  if (fsync(file.get()) != 0) return last_sys_error(cat("fsync ", name));
  return {};
}

Status move_segments(int from, int to, const Move& move) {
  for (const std::string& segment : segments_of(cat(move.dir, "/", move.staged, "/", move.name))) {
    if (prefix_of_segment(segment, move.name) != move.segment_prefix)
      return make_error(Errc::kCorrupt, cat("the playlist names a segment of another output: ", escape(segment)));
    if (inode_of(from, segment) == 0 && inode_of(to, segment) != 0) continue;
    if (const int err = rename_noreplace({from, segment}, {to, segment}); err != 0)
      return sys_error(cat("rename to ", move.dir, "/", segment), err);
  }
  // Whoever finds the playlist after a power cut finds them as well.
  if (fsync(to) != 0) return last_sys_error(cat("fsync ", move.dir));
  return {};
}

Status move_playlist(int from, int to, const Move& move) {
  int err = rename_noreplace({from, move.name}, {to, move.name});
  if (err == EEXIST && move.may_replace) err = exchange({from, move.name}, {to, move.name});
  if (err == EEXIST) return make_error(Errc::kForbidden, cat("output exists: ", move.dir, "/", move.name));
  if (err != 0) return sys_error(cat("rename to ", move.dir, "/", move.name), err);
  if (fsync(to) != 0 || fsync(from) != 0) return last_sys_error(cat("fsync ", move.dir));
  return {};
}

}  // namespace

Status make_staged_dir(const Move& move) {
  const OutputDir dir(move.dir);
  if (dir.fd() < 0) return last_sys_error(cat("open ", move.dir));
  remove_staged(dir, move);
  if (mkdirat(dir.fd(), move.staged.c_str(), kStagedMode) != 0)
    return last_sys_error(cat("mkdir ", move.dir, "/", move.staged));
  return {};
}

Result<std::uint64_t> sync_staged_hls(const Move& move) {
  const OutputDir dir(move.dir);
  if (dir.fd() < 0) return last_sys_error(cat("open ", move.dir));
  const sys::Fd staged = open_staged(dir, move);
  if (!staged) return last_sys_error(cat("open ", move.dir, "/", move.staged));
  for (const std::string& name : sys::names_in(staged.get())) FFRTMP_TRY(sync_file(staged.get(), name));
  if (fsync(staged.get()) != 0) return last_sys_error(cat("fsync ", move.dir, "/", move.staged));
  const std::uint64_t inode = inode_of(staged.get(), move.name);
  if (inode == 0) return make_error(Errc::kGone, cat("no playlist in ", move.dir, "/", move.staged));
  return inode;
}

Status publish_hls(const Move& move) {
  const OutputDir dir(move.dir);
  if (dir.fd() < 0) return last_sys_error(cat("open ", move.dir));
  dir.lock();
  const sys::Fd staged = open_staged(dir, move);
  if (!staged || inode_of(staged.get(), move.name) != move.inode)
    return make_error(Errc::kGone, cat("the staged playlist was replaced: ", move.dir, "/", move.staged));
  if (is_directory(dir.fd(), move.name))
    return make_error(Errc::kForbidden, cat("output is a directory: ", move.dir, "/", move.name));
  if (!move.may_replace && inode_of(dir.fd(), move.name) != 0)
    return make_error(Errc::kForbidden, cat("output exists: ", move.dir, "/", move.name));
  FFRTMP_TRY(move_segments(staged.get(), dir.fd(), move));
  FFRTMP_TRY(move_playlist(staged.get(), dir.fd(), move));
  unlinkat(dir.fd(), move.staged.c_str(), AT_REMOVEDIR);  // unless it holds what was replaced, until settle
  return {};
}

void settle_hls(const Move& move) {
  const OutputDir dir(move.dir);
  if (dir.fd() < 0) return;
  for (const std::string& segment : segments_of(cat(move.dir, "/", move.staged, "/", move.name)))
    if (const auto prefix = prefix_of_segment(segment, move.name); prefix && *prefix != move.segment_prefix)
      unlinkat(dir.fd(), segment.c_str(), 0);
  remove_staged(dir, move);
}

void take_back_hls(const Move& move) {
  const OutputDir dir(move.dir);
  if (dir.fd() < 0) return;
  dir.lock();
  if (move.inode != 0 && inode_of(dir.fd(), move.name) == move.inode) {
    const sys::Fd staged = open_staged(dir, move);
    // What stands under the staged name now is the playlist that ours replaced.
    const bool replaced = staged && inode_of(staged.get(), move.name) != 0;
    if (!replaced || exchange({staged.get(), move.name}, {dir.fd(), move.name}) != 0)
      unlinkat(dir.fd(), move.name.c_str(), 0);
  }
  for (const std::string& name : sys::names_in(dir.fd()))
    if (prefix_of_segment(name, move.name) == move.segment_prefix) unlinkat(dir.fd(), name.c_str(), 0);
  remove_staged(dir, move);
}

}  // namespace ffrtmp::worker
