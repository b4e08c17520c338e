#pragma once
// Control files of the groups that processes come from, held open from one look to the next: what they say is read anew
// each time, at one pread(2) a file. Effects.
#include <sys/types.h>

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "sys/fd.h"

namespace ffrtmp::govern {

class OpenControls {
 public:
  class Group {
   public:
    // The file's whole text as of now; nothing when it cannot be read.
    [[nodiscard]] std::optional<std::string> read(const char* file);
    // Calls `take` with each process until it says false. False when that could not be read to the end or to there.
    [[nodiscard]] bool for_each_process(const std::function<bool(pid_t)>& take);

   private:
    friend class OpenControls;
    [[nodiscard]] int open(const char* file);

    std::string directory_;
    ino_t inode_ = 0;  // 0: it was not there
    std::map<std::string, sys::Fd, std::less<>> files_;
  };
  // The group that has the directory now: another one of that name begins anew. Valid until trim().
  [[nodiscard]] Group& enter(const std::string& directory);
  // Forgets them all when there are many.
  void trim();

 private:
  std::map<std::string, Group> groups_;
};

// What one attach leaves to the next so that it need not be found again. It saves time and decides nothing.
struct KeptControls {
  // Control files of groups of ours, by the directory that they were made in: as the first of them had them.
  std::map<std::string, std::set<std::string>> lists;
  OpenControls open;
};

}  // namespace ffrtmp::govern
