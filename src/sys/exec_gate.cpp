#include "sys/exec_gate.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/text.h"
#include "sys/host.h"

namespace ffrtmp::sys {
namespace {

FileId id_of(const struct stat& info) { return {info.st_dev, info.st_ino}; }

}  // namespace

Result<ExecGate> ExecGate::open() {
  Fd fd(fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_CLOEXEC | O_LARGEFILE));
  if (!fd) return last_sys_error("fanotify_init");
  return ExecGate(std::move(fd));
}

Result<FileId> ExecGate::mark(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return last_sys_error(cat("stat ", path));
  if (fanotify_mark(fd_.get(), FAN_MARK_ADD, FAN_OPEN_EXEC_PERM, AT_FDCWD, path.c_str()) != 0)
    return last_sys_error(cat("mark ", path));
  return id_of(info);
}

Status ExecGate::unmark(const std::string& path) {
  if (fanotify_mark(fd_.get(), FAN_MARK_REMOVE, FAN_OPEN_EXEC_PERM, AT_FDCWD, path.c_str()) != 0)
    return last_sys_error(cat("unmark ", path));
  return {};
}

Result<std::vector<ExecGate::Held>> ExecGate::take() {
  std::vector<Held> found;
  alignas(fanotify_event_metadata) std::array<char, 4096> buffer;
  ssize_t size = read(fd_.get(), buffer.data(), buffer.size());
  if (size < 0) {
    if (errno == EAGAIN || errno == EINTR) return found;
    return last_sys_error("read held executions");
  }
  for (auto* event = reinterpret_cast<fanotify_event_metadata*>(buffer.data()); FAN_EVENT_OK(event, size);
       event = FAN_EVENT_NEXT(event, size)) {
    Held held;
    held.event = Fd(event->fd);
    held.pid = event->pid;
    if (!held.event || (event->mask & FAN_OPEN_EXEC_PERM) == 0) continue;
    struct stat info {};
    if (fstat(event->fd, &info) == 0) held.file = id_of(info);
    std::array<char, PATH_MAX> path;
    const ssize_t length = readlink(cat(Host::real().proc, "/self/fd/", event->fd).c_str(), path.data(), path.size());
    if (length > 0) held.path.assign(path.data(), static_cast<std::size_t>(length));
    found.push_back(std::move(held));
  }
  return found;
}

void ExecGate::allow(const Held& held) {
  fanotify_response answer{};
  answer.fd = held.event.get();
  answer.response = FAN_ALLOW;
  (void)!write(fd_.get(), &answer, sizeof answer);  // fails only for an execution that was killed meanwhile
}

}  // namespace ffrtmp::sys
