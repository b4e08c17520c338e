#include "worker/publish_hls.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/text.h"
#include "sys/file_io.h"
#include "sys/rename.h"
#include "worker/hls_set.h"
#include "worker/undo.h"

namespace ffrtmp::worker {
namespace {

constexpr mode_t kStagedMode = 0755;

sys::Fd open_staged(const OutputDir& dir, const std::string& name) {
  return sys::Fd(openat(dir.fd(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
}

// The directory and the files in it; it holds no directories.
void remove_staged(const OutputDir& dir, const Move& move) {
  if (const sys::Fd staged = open_staged(dir, move.staged))
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
    if (!mark_of(from, segment).exists() && mark_of(to, segment).exists()) continue;
    if (const int err = sys::rename_noreplace({from, segment}, {to, segment}); err != 0)
      return sys_error(cat("rename to ", move.dir, "/", segment), err);
  }
  // Whoever finds the playlist after a power cut finds them as well.
  if (fsync(to) != 0) return last_sys_error(cat("fsync ", move.dir));
  return {};
}

Status move_playlist(int from, int to, const Move& move) {
  int err = sys::rename_noreplace({from, move.name}, {to, move.name});
  if (err == EEXIST && move.may_replace) err = sys::exchange({from, move.name}, {to, move.name});
  if (err == EEXIST) return make_error(Errc::kForbidden, cat("output exists: ", move.dir, "/", move.name));
  if (err != 0) return sys_error(cat("rename to ", move.dir, "/", move.name), err);
  if (fsync(to) != 0 || fsync(from) != 0) return last_sys_error(cat("fsync ", move.dir));
  return {};
}

// The staged directory of the attempt that replaced our playlist and keeps it; empty when none does.
sys::Fd find_later(const OutputDir& dir, const Move& move) {
  for (const std::string& name : sys::names_in(dir.fd())) {
    if (name == move.staged || !is_staged_name(name, move.name)) continue;
    sys::Fd later = open_staged(dir, name);
    if (later && mark_of(later.get(), move.name) == move.mark) return later;
  }
  return {};
}

// Those that this program made for this name, unless what stands there now names them as well.
void remove_replaced_segments(const OutputDir& dir, const Move& move) {
  std::vector<std::string> shown = segments_of(cat(move.dir, "/", move.name));
  std::sort(shown.begin(), shown.end());
  for (const std::string& segment : segments_of(cat(move.dir, "/", move.staged, "/", move.name))) {
    const auto prefix = prefix_of_segment(segment, move.name);
    const bool is_replaced = prefix && *prefix != move.segment_prefix;
    if (is_replaced && !std::binary_search(shown.begin(), shown.end(), segment)) unlinkat(dir.fd(), segment.c_str(), 0);
  }
}

// errno or 0. With nobody to hand it on to, what ours replaced goes as it would have gone with our result.
int hand_on(const OutputDir& dir, int staged, const Move& move) {
  if (const sys::Fd later = find_later(dir, move)) return sys::exchange({staged, move.name}, {later.get(), move.name});
  remove_replaced_segments(dir, move);
  return 0;
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

Result<FileMark> sync_staged_hls(const Move& move) {
  const OutputDir dir(move.dir);
  if (dir.fd() < 0) return last_sys_error(cat("open ", move.dir));
  const sys::Fd staged = open_staged(dir, move.staged);
  if (!staged) return last_sys_error(cat("open ", move.dir, "/", move.staged));
  for (const std::string& name : sys::names_in(staged.get())) FFRTMP_TRY(sync_file(staged.get(), name));
  if (fsync(staged.get()) != 0) return last_sys_error(cat("fsync ", move.dir, "/", move.staged));
  const FileMark mark = mark_of(staged.get(), move.name);
  if (!mark.exists()) return make_error(Errc::kGone, cat("no playlist in ", move.dir, "/", move.staged));
  if (move.mark.exists() && mark != move.mark)
    return make_error(Errc::kGone, cat("the staged playlist was replaced: ", move.dir, "/", move.staged));
  return mark;
}

Status publish_hls(const Move& move) {
  const OutputDir dir(move.dir);
  if (dir.fd() < 0) return last_sys_error(cat("open ", move.dir));
  dir.lock();
  const sys::Fd staged = open_staged(dir, move.staged);
  if (!staged || mark_of(staged.get(), move.name) != move.mark)
    return make_error(Errc::kGone, cat("the staged playlist was replaced: ", move.dir, "/", move.staged));
  if (is_directory(dir.fd(), move.name))
    return make_error(Errc::kForbidden, cat("output is a directory: ", move.dir, "/", move.name));
  if (!move.may_replace && mark_of(dir.fd(), move.name).exists())
    return make_error(Errc::kForbidden, cat("output exists: ", move.dir, "/", move.name));
  FFRTMP_TRY(move_segments(staged.get(), dir.fd(), move));
  FFRTMP_TRY(move_playlist(staged.get(), dir.fd(), move));
  unlinkat(dir.fd(), move.staged.c_str(), AT_REMOVEDIR);  // unless it holds what was replaced, until settle
  return {};
}

void settle_hls(const Move& move) {
  const OutputDir dir(move.dir);
  if (dir.fd() < 0) return;
  dir.lock();
  remove_replaced_segments(dir, move);
  remove_staged(dir, move);
}

void take_back_hls(const Move& move) {
  const OutputDir dir(move.dir);
  if (dir.fd() < 0) return;
  dir.lock();
  const sys::Fd staged = open_staged(dir, move.staged);
  const FileMark playlist = staged ? mark_of(staged.get(), move.name) : FileMark{};
  const int err = carry_out(decide_undo(move.mark, mark_of(dir.fd(), move.name), playlist), {staged.get(), move.name},
                            {dir.fd(), move.name}, [&] { return hand_on(dir, staged.get(), move); });
  if (err != 0) return warn_of_undo(move, err);
  for (const std::string& name : sys::names_in(dir.fd()))
    if (prefix_of_segment(name, move.name) == move.segment_prefix) unlinkat(dir.fd(), name.c_str(), 0);
  remove_staged(dir, move);
}

}  // namespace ffrtmp::worker
