#pragma once
// Putting a finished file at its final path, and taking it back when the attempt turns out to be stale. The path holds
// a whole file at every moment.
//
// An HLS output is a set of files: its segments bear the attempt's name, so that they never stand in another's way, and
// go first; the playlist that names them goes last (publish_hls.h).
//
// The directory itself is flock'ed for the few microseconds of a rename, so that a stale attempt that takes its file
// back and a current one that puts its own there do not cross. A holder that is stopped in between is waited for, not
// for ever.
#include <string>

#include "base/result.h"
#include "worker/output_dir.h"

namespace ffrtmp::worker {

// Where a file is and where it shall be, both in one directory.
struct Move {
  std::string dir;     // absolute, resolved
  std::string staged;  // "<name>.<attempt>.part.<ext>"
  std::string name;    // final
  bool may_replace = false;  // overwrite asked for, or this job put the file there
  FileMark mark = {};        // of the staged file before the move: by it the file is known afterwards
  // Of HLS: what the names of the segments begin with. `staged` is a directory then, which holds them and the playlist.
  std::string segment_prefix = {};
  [[nodiscard]] bool is_hls() const { return !segment_prefix.empty(); }
};

// An empty staged file, for an engine that may make none itself; one that is there stays as it is. Of HLS an empty
// directory: what is in it goes.
[[nodiscard]] Status make_staged(const Move& move);
// fsync of the staged file; gives its mark. kGone: the move has a mark, and another file is staged.
[[nodiscard]] Result<FileMark> sync_staged(const Move& move);
// Whether the final path holds our file already (after a crash).
[[nodiscard]] bool is_published(const Move& move);
// RENAME_NOREPLACE; with may_replace an existing file is exchanged and stays under the staged name until settle().
// kForbidden: the path is taken and may not be replaced; kGone: directory or staged file are not the ones that were
// checked. Then fsync of the directory.
[[nodiscard]] Status publish(const Move& move);
// The result was accepted: what was exchanged goes.
void settle(const Move& move);
// The result was refused as stale: our file goes, an exchanged one comes back. Another's file is left alone. When a
// rename fails, all stays.
void take_back(const Move& move);

}  // namespace ffrtmp::worker
