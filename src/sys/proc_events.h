#pragma once
// The kernel's process connector: a message at each exec, or at each exit, on the host. Needs CAP_NET_ADMIN and the
// initial user, PID and network namespaces; elsewhere the kernel stays silent, which is kUnsupported here.
// Source: include/uapi/linux/cn_proc.h, drivers/connector/cn_proc.c; since Linux 6.6 the connector itself sends a
// listener one kind only, before that the socket's filter drops the others.
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace ffrtmp::sys {

struct ProcEvent {
  pid_t pid = 0;                   // of the process
  bool is_leader = true;           // it exits by its first thread; others may run on, or have ended before
  int wait_status = 0;             // of an exit, as waitpid(2) tells it once the last thread has ended
  std::chrono::nanoseconds at{0};  // CLOCK_MONOTONIC, when the kernel sent it
};

class ProcEvents {
 public:
  enum class Kind : std::uint32_t { kExec = 0x00000002, kExit = 0x80000000 };  // as the kernel numbers them
  struct Options {
    // Forced beyond net.core.rmem_max where allowed. The default of 208 KiB holds 85 execs, 8 MiB more than 5,000.
    int buffer_bytes = 8 << 20;
    // How long the kernel may take to confirm, in all; it does so within a millisecond or never.
    std::chrono::milliseconds patience{1000};
  };

  // Subscribed when it returns. kUnsupported or kDenied with the reason.
  [[nodiscard]] static Result<ProcEvents> open(Kind kind, const Options& options);

  // Readable when events wait.
  [[nodiscard]] int fd() const { return socket_.get(); }

  struct Drained {
    bool has_overflowed = false;  // events were lost, nobody knows how many: look at everything
    bool has_more = false;
  };
  // Appends what waits, up to a batch. Only messages of the kernel itself count.
  [[nodiscard]] Result<Drained> drain(std::vector<ProcEvent>& events);

 private:
  ProcEvents(Kind kind, Fd socket) : kind_(kind), socket_(std::move(socket)) {}
  Kind kind_;
  Fd socket_;
};

}  // namespace ffrtmp::sys
