#pragma once
// What renameat2(2) of Linux 3.15 has beyond rename(2), and what stands in for it. Effects.
#include <string>

namespace ffrtmp::sys {

// A name in an open directory.
struct DirEntry {
  int dir;
  const std::string& name;
};
// errno or 0. link() and unlink() where the file system knows no RENAME_NOREPLACE.
[[nodiscard]] int rename_noreplace(DirEntry from, DirEntry to);
// errno or 0. A plain rename where the file system cannot exchange: the old file is gone then, the path is whole all
// the same.
[[nodiscard]] int exchange(DirEntry from, DirEntry to);

}  // namespace ffrtmp::sys
