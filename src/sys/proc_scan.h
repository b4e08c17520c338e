#pragma once
// The walk over all processes that a periodic scan pays for: one getdents64 a few hundred of them and one read of
// `stat` each, no allocation. Facts only. Source: proc_pid_stat(5); https://docs.kernel.org/filesystems/proc.html
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>

#include "base/result.h"
#include "sys/fd.h"
#include "sys/host.h"
#include "sys/proc_fs.h"

namespace ffrtmp::sys {

// What a scan needs of /proc/PID/stat to know a process again.
struct ProcLine {
  pid_t pid = 0;
  pid_t ppid = 0;
  char state = '?';
  std::uint64_t flags = 0;    // field 9
  std::uint32_t threads = 0;  // field 20
  std::uint64_t start_ticks = 0;
  std::uint64_t start_stack = 0;  // field 28: another one after each exec; 0 when the reader may not know
  std::string_view comm;          // valid until the next read

  [[nodiscard]] ProcessKey key() const { return {pid, start_ticks}; }
  // PF_KTHREAD of include/linux/sched.h.
  [[nodiscard]] bool is_kernel_thread() const { return (flags & 0x00200000U) != 0; }
  [[nodiscard]] bool has_ended() const { return is_ended(state); }
  // Changes when the process executes another program, also one of the same name.
  [[nodiscard]] std::uint64_t exec_stamp() const;
};

// Pure. The name is what stands between the first '(' and the last ')'. kCorrupt otherwise.
[[nodiscard]] Result<ProcLine> parse_proc_line(std::string_view text);

// /proc/PID, opened. It goes with the process: what is read through it is of that one and no other, and once that has
// ended nothing can be read, whoever has its number then. Source: fs/proc/base.c, whose inodes hold a struct pid.
class ProcDir {
 public:
  [[nodiscard]] int fd() const { return fd_.get(); }
  // Not reaped yet.
  [[nodiscard]] bool is_there() const;

 private:
  friend class ProcScanner;
  explicit ProcDir(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

class ProcScanner {
 public:
  [[nodiscard]] static Result<ProcScanner> open(const Host& host);

  // Calls `visit` with the number of every process there is, until it says false. Its error is the walk's.
  [[nodiscard]] Status walk(const std::function<Result<bool>(pid_t)>& visit);
  // One process; kGone when there is none.
  [[nodiscard]] Result<ProcLine> read(pid_t pid);
  [[nodiscard]] Result<ProcLine> read(const ProcDir& process);
  [[nodiscard]] Result<ProcDir> open_process(pid_t pid);
  // The directory of all processes.
  [[nodiscard]] int fd() const { return dir_.get(); }

 private:
  explicit ProcScanner(Fd dir) : dir_(std::move(dir)) {}
  [[nodiscard]] Result<ProcLine> read_at(int dir, const char* name);
  Fd dir_;
  std::array<char, 1024> line_{};  // 52 numbers and a name of 64 bytes at most
};

}  // namespace ffrtmp::sys
