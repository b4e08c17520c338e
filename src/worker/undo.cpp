#include "worker/undo.h"

#include "base/log.h"
#include "base/text.h"

namespace ffrtmp::worker {

Undo decide_undo(const FileMark& ours, const FileMark& at_path, const FileMark& staged) {
  if (!ours.exists()) return Undo::kNothing;
  const bool has_replaced = staged.exists() && staged != ours;
  if (at_path == ours) return has_replaced ? Undo::kExchange : Undo::kRemove;
  return has_replaced ? Undo::kHandOn : Undo::kNothing;
}

void warn_of_undo(const Move& move, int err) {
  log::warn("an output cannot be taken back",
            {{"path", cat(move.dir, "/", move.name)}, {"err", sys_error("rename", err).message}});
}

}  // namespace ffrtmp::worker
