#include "sys/pid_fd.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>

#include <cerrno>
#include <string>

#include "base/text.h"

namespace ffrtmp::sys {

Result<Fd> open_pidfd(pid_t pid) {
  Fd fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!fd) return last_sys_error(cat("pidfd_open ", pid));
  return fd;
}

namespace {

// To be asked once a descriptor holds whatever process has the pid.
Status check_is(const Host& host, const ProcessKey& key) {
  FFRTMP_ASSIGN(const ProcStat stat, read_stat(host, key.pid));
  if (stat.start_ticks != key.start_ticks)
    return make_error(Errc::kGone, cat("process ", key.pid, " is another one now"));
  return {};
}

}  // namespace

Result<Fd> open_pidfd(const Host& host, const ProcessKey& key) {
  FFRTMP_ASSIGN(Fd fd, open_pidfd(key.pid));
  FFRTMP_TRY(check_is(host, key));
  return fd;
}

Status send_signal(const Fd& pidfd, int signal) {
  if (syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) != 0) return last_sys_error("pidfd_send_signal");
  return {};
}

Status send_signal(const Host& host, const ProcessKey& key, int signal) {
  const std::string path = cat(host.proc, "/", key.pid);
  const Fd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return last_sys_error(path);
  FFRTMP_TRY(check_is(host, key));
  return send_signal(fd, signal);
}

bool wait_ended(const Fd& pidfd, std::chrono::milliseconds wait) {
  pollfd item{pidfd.get(), POLLIN, 0};
  if (wait <= std::chrono::milliseconds(0)) return poll(&item, 1, 0) > 0;
  const auto until = std::chrono::steady_clock::now() + wait;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    const int n = poll(&item, 1, left.count() > 0 ? static_cast<int>(left.count()) : 0);
    if (n > 0) return true;
    if (n == 0 || errno != EINTR) return false;
  }
}

}  // namespace ffrtmp::sys
