#pragma once
// The kernel's process connector: a message at each exec and exit on the host. Needs CAP_NET_ADMIN and the initial
// user, PID and network namespaces; elsewhere the kernel stays silent, which is kUnsupported here.
// Source: include/uapi/linux/cn_proc.h, drivers/connector/cn_proc.c; the filter by kind since Linux 6.6.
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace ffrtmp::sys {

struct ProcEvent {
  enum class Kind : std::uint8_t { kExec, kExit };
  Kind kind = Kind::kExec;
  pid_t pid = 0;                   // of the process, not of its thread
  int wait_status = 0;             // of an exit, as waitpid(2) tells it
  std::chrono::nanoseconds at{0};  // CLOCK_MONOTONIC, when the kernel sent it
};

class ProcEvents {
 public:
  struct Options {
    // Forced beyond net.core.rmem_max where allowed. The default of 208 KiB holds 85 execs, 8 MiB more than 5,000.
    int buffer_bytes = 8 << 20;
    // How long the kernel may take to confirm, in all; it does so within a millisecond or never.
    std::chrono::milliseconds patience{1000};
  };

  // Subscribed when it returns. kUnsupported or kDenied with the reason.
  [[nodiscard]] static Result<ProcEvents> open(const Options& options);

  // Readable when events wait.
  [[nodiscard]] int fd() const { return socket_.get(); }

  struct Drained {
    bool has_overflowed = false;  // events were lost, nobody knows how many: look at everything
    bool has_more = false;
    std::size_t others = 0;  // messages of kinds that nobody asked for: the kernel filters them since Linux 6.6
  };
  // Appends what waits, up to a batch. Only messages of the kernel itself count.
  [[nodiscard]] Result<Drained> drain(std::vector<ProcEvent>& events);

 private:
  explicit ProcEvents(Fd socket) : socket_(std::move(socket)) {}
  Fd socket_;
};

}  // namespace ffrtmp::sys
