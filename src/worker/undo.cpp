#include "worker/undo.h"

#include <unistd.h>

#include <cerrno>

#include "base/log.h"
#include "base/text.h"

namespace ffrtmp::worker {

Undo decide_undo(const FileMark& ours, const FileMark& at_path, const FileMark& staged) {
  if (!ours.exists()) return Undo::kNothing;
  const bool has_replaced = staged.exists() && staged != ours;
  if (at_path == ours) return has_replaced ? Undo::kExchange : Undo::kRemove;
  return has_replaced ? Undo::kHandOn : Undo::kNothing;
}

int carry_out(Undo undo, const sys::DirEntry& staged, const sys::DirEntry& path, const std::function<int()>& hand_on) {
  switch (undo) {
    case Undo::kNothing:
      return 0;
    case Undo::kRemove:
      return unlinkat(path.dir, path.name.c_str(), 0) == 0 ? 0 : errno;
    case Undo::kExchange:
      return sys::exchange(staged, path);
    case Undo::kHandOn:
      return hand_on();
  }
  return 0;
}

void warn_of_undo(const Move& move, int err) {
  log::warn("an output cannot be taken back",
            {{"path", cat(move.dir, "/", move.name)}, {"err", sys_error("rename", err).message}});
}

}  // namespace ffrtmp::worker
