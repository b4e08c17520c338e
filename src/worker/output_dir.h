#pragma once
// The directory of an output, held open and locked while names in it change. Effects only; publish.h says which.
#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>

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

// By what a file is known under whichever name it has. The time tells it from a file that was made later and got the
// freed inode number, and from one with that number on another device: the layers of an overlay show several in one
// directory. st_dev would not do, a reboot may change it.
struct FileMark {
  std::uint64_t inode = 0;       // 0: no file
  std::int64_t modified_ns = 0;  // st_mtim since 1970; a rename leaves it as it is
  [[nodiscard]] bool exists() const { return inode != 0; }
  bool operator==(const FileMark&) const = default;
};
[[nodiscard]] FileMark mark_of(const struct stat& info);
// Of what bears the name, be it a link.
[[nodiscard]] FileMark mark_of(int dir, const std::string& name);

// "<stem>.<attempt>.part<ext>": where an attempt keeps its output for `name` before the move, and afterwards what the
// move replaced.
[[nodiscard]] std::string staged_name(const std::string& name, const std::string& attempt);
[[nodiscard]] bool is_staged_name(std::string_view entry, const std::string& name);

}  // namespace ffrtmp::worker
