#include "sys/cgroup.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include <cerrno>

#include "base/text.h"
#include "sys/cgroup_layout.h"
#include "sys/file_io.h"
#include "sys/proc_fs.h"

namespace ffrtmp::sys {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

}  // namespace

std::optional<std::int64_t> parse_flat_key(std::string_view text, std::string_view key) {
  for (const std::string_view line : split(text, '\n'))
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ')
      return parse_int(line.substr(key.size() + 1));
  return std::nullopt;
}

Result<Cgroup> Cgroup::open(const std::string& path) {
  FFRTMP_ASSIGN(CgroupDir dir, CgroupDir::open(path));
  return Cgroup(std::move(dir));
}

Status Cgroup::freeze(milliseconds wait) const {
  FFRTMP_TRY(dir_.write("cgroup.freeze", "1"));
  return wait_event("frozen", true, wait);
}

Status Cgroup::thaw() const { return dir_.write("cgroup.freeze", "0"); }

Result<bool> Cgroup::is_frozen() const {
  FFRTMP_ASSIGN(const std::string text, dir_.read("cgroup.events"));
  return parse_flat_key(text, "frozen").value_or(0) != 0;
}

Status Cgroup::wait_empty(milliseconds wait) const {
  const Status status = wait_event("populated", false, wait);
  return !status && status.error().code == Errc::kGone ? Status{} : status;
}

Status Cgroup::wait_event(std::string_view key, bool wanted, milliseconds wait) const {
  const Fd events(openat(dir_.fd().get(), "cgroup.events", O_RDONLY | O_CLOEXEC));
  if (!events) return last_sys_error(cat("open ", path(), "/cgroup.events"));
  const auto until = steady_clock::now() + wait;
  for (;;) {
    FFRTMP_ASSIGN(const std::string text, read_at(events.get(), 4096, 0));
    if ((parse_flat_key(text, key).value_or(0) != 0) == wanted) return {};
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    if (left.count() <= 0)
      return make_error(Errc::kTimeout, cat(path(), ": ", key, wanted ? " not reached" : " not left"));
    pollfd item{events.get(), POLLPRI, 0};  // the kernel raises it at each change
    if (poll(&item, 1, static_cast<int>(left.count())) < 0 && errno != EINTR) return last_sys_error("poll");
  }
}

Status Cgroup::kill() const {
  const Status status = dir_.write("cgroup.kill", "1");
  if (status) return status;
  // kGone is a missing file here: a kernel before 5.14, or no group at all, which the fallback finds out.
  if (status.error().code != Errc::kGone) return status;
  FFRTMP_TRY(dir_.write("cgroup.freeze", "1"));
  const Status signaled = signal_all(SIGKILL);
  FFRTMP_TRY(thaw());
  return signaled;
}

Status Cgroup::signal_all(int signal) const {
  FFRTMP_ASSIGN(const std::vector<pid_t> pids, procs());
  for (const pid_t pid : pids)
    if (pid > 0) ::kill(pid, signal);
  return {};
}

Result<std::vector<pid_t>> Cgroup::procs() const { return dir_.procs(); }

Result<std::chrono::microseconds> Cgroup::cpu_usage() const {
  FFRTMP_ASSIGN(const std::string text, dir_.read("cpu.stat"));
  const auto usage = parse_flat_key(text, "usage_usec");
  if (!usage) return make_error(Errc::kCorrupt, cat(path(), "/cpu.stat: no usage_usec"));
  return std::chrono::microseconds(*usage);
}

}  // namespace ffrtmp::sys
