#pragma once
// A process held by descriptor: signals never reach another one that got its number.
// Source: pidfd_open(2), since Linux 5.3.
#include <sys/types.h>

#include <chrono>

#include "base/result.h"
#include "sys/fd.h"
#include "sys/host.h"
#include "sys/proc_fs.h"

namespace ffrtmp::sys {

[[nodiscard]] Result<Fd> open_pidfd(pid_t pid);
// The process that `key` names, numbered as `host.proc` and the caller see it; kGone when the pid is another's by now.
[[nodiscard]] Result<Fd> open_pidfd(const Host& host, const ProcessKey& key);
// kGone when it has ended.
[[nodiscard]] Status send_signal(const Fd& pidfd, int signal);
// To the process that `key` names, numbered as `host.proc` sees it: also from inside a PID namespace that numbers its
// own otherwise. kGone when the pid is another's by now. Source: pidfd_send_signal(2), descriptors of /proc/PID.
[[nodiscard]] Status send_signal(const Host& host, const ProcessKey& key, int signal);
// Whether it ended (zombies count) within `wait`.
[[nodiscard]] bool wait_ended(const Fd& pidfd, std::chrono::milliseconds wait);

}  // namespace ffrtmp::sys
