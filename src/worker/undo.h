#pragma once
// What an attempt does that takes its output back, for publish.cpp and publish_hls.cpp.
//
// Attempts that replaced each other's files are taken back in any order. One whose file was replaced in its turn hands
// what it had replaced on to the attempt that did so, which keeps it for its own end:
//
//   path      later's staged  staged                          path      later's staged  staged
//   later's   ours            replaced    == kHandOn ==>      later's   replaced        ours, which goes
#include <functional>

#include "sys/rename.h"
#include "worker/publish.h"

namespace ffrtmp::worker {

enum class Undo {
  kNothing,   // ours was never moved, or is at no place that we know
  kRemove,    // ours goes from the path
  kExchange,  // ours goes for what it replaced
  kHandOn,    // what ours replaced goes to the attempt that replaced ours, if there is one
};

// Pure. A file under the staged name that is not ours is the one that ours replaced.
[[nodiscard]] Undo decide_undo(const FileMark& ours, const FileMark& at_path, const FileMark& staged);
// What it says for the staged file and the path; `hand_on` for kHandOn. errno or 0.
[[nodiscard]] int carry_out(Undo undo, const sys::DirEntry& staged, const sys::DirEntry& path,
                            const std::function<int()>& hand_on);
// Nothing is removed when a step of it failed: what was replaced may be the only one of its kind.
void warn_of_undo(const Move& move, int err);

}  // namespace ffrtmp::worker
