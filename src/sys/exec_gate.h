#pragma once
// Holds the execution of named files until it is allowed: fanotify permission events on their inodes. No other exec is
// slowed. When the holder's descriptor is closed, however that comes, the kernel allows what is held.
// Source: fanotify(7), FAN_OPEN_EXEC_PERM since Linux 5.0; needs CAP_SYS_ADMIN
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace ffrtmp::sys {

// Which file, whatever it is called.
struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  auto operator<=>(const FileId&) const = default;
};

class ExecGate {
 public:
  // kDenied or kUnsupported with the reason.
  [[nodiscard]] static Result<ExecGate> open();

  // From now on executions of the file that `path` names now are held. Once more on the same file changes nothing.
  [[nodiscard]] Result<FileId> mark(const std::string& path);

  // The opposite; an error when that file is not marked.
  [[nodiscard]] Status unmark(const std::string& path);

  struct Held {
    Fd event;  // of the file; what allow() answers by
    pid_t pid = 0;
    FileId file;
    std::string path;  // as the kernel resolved it
  };
  // Readable when executions are held.
  [[nodiscard]] int fd() const { return fd_.get(); }
  // All that are held and not yet told; does not wait.
  [[nodiscard]] Result<std::vector<Held>> take();
  void allow(const Held& held);

 private:
  explicit ExecGate(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace ffrtmp::sys
