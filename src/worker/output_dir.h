#pragma once
// The directory of an output, held open and locked while names in it change. Effects only; publish.h says which.
#include <cstdint>
#include <string>

#include "sys/fd.h"

namespace ffrtmp::worker {

class OutputDir {
 public:
  // The resolved path has no links in it: one that stands there now was put in the directory's place, and leads to
  // where nobody allowed us to write. fd() is -1 then, and errno says why.
  explicit OutputDir(const std::string& path);
  [[nodiscard]] int fd() const { return fd_.get(); }
  // Waits for another holder at most 5 s: one that is stopped holds nobody for ever.
  void lock() const;

 private:
  sys::Fd fd_;
};

[[nodiscard]] bool is_directory(int dir, const std::string& name);
// 0: there is none.
[[nodiscard]] std::uint64_t inode_of(int dir, const std::string& name);

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

}  // namespace ffrtmp::worker
