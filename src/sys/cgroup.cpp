#include "sys/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>

#include "base/text.h"
#include "sys/file_io.h"
#include "sys/proc_fs.h"

namespace ffrtmp::sys {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Names of the groups directly below `path`.
std::vector<std::string> children_of(const std::string& path) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(path.c_str()), closedir);
  if (!dir) return names;
  while (const dirent* entry = readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (entry->d_type == DT_DIR && name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

Status append_procs(const std::string& path, std::vector<pid_t>& pids) {
  auto text = read_text(path + "/cgroup.procs");
  if (!text) return std::move(text).error();
  for (const std::string_view line : split(*text, '\n'))
    if (const auto pid = parse_int(line)) pids.push_back(static_cast<pid_t>(*pid));
  for (const std::string& child : children_of(path)) {
    const Status status = append_procs(cat(path, "/", child), pids);
    if (!status && status.error().code != Errc::kGone) return status;
  }
  return {};
}

Status remove_tree(const std::string& path) {
  for (const std::string& child : children_of(path)) FFRTMP_TRY(remove_tree(cat(path, "/", child)));
  // The last task leaves a moment after it was reaped: EBUSY is retried for up to 1 s.
  for (int left = 200; rmdir(path.c_str()) != 0; --left) {
    if (errno == ENOENT) return {};
    if (errno != EBUSY || left == 0) return last_sys_error(cat("rmdir ", path));
    poll(nullptr, 0, 5);
  }
  return {};
}

// Octal escapes of mountinfo: "\040" is a space.
std::string unescape_mount(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

std::optional<std::int64_t> parse_flat_key(std::string_view text, std::string_view key) {
  for (const std::string_view line : split(text, '\n'))
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ')
      return parse_int(line.substr(key.size() + 1));
  return std::nullopt;
}

Result<CgroupMount> parse_unified_mount(std::string_view mountinfo) {
  // 41 31 0:38 ROOT MOUNT_POINT OPTIONS [OPTIONAL...] - TYPE SOURCE SUPER_OPTIONS; proc_pid_mountinfo(5)
  for (const std::string_view line : split(mountinfo, '\n')) {
    const auto dash = line.find(" - ");
    if (dash == std::string_view::npos || !line.substr(dash + 3).starts_with("cgroup2 ")) continue;
    const auto fields = split(line.substr(0, dash), ' ');
    if (fields.size() < 6) return make_error(Errc::kCorrupt, cat("mountinfo: \"", escape(line), "\""));
    return CgroupMount{unescape_mount(fields[4]), unescape_mount(fields[3])};
  }
  return make_error(Errc::kUnsupported, "no cgroup2 mount");
}

Result<CgroupMount> find_unified_mount(const Host& host) {
  FFRTMP_ASSIGN(const std::string text, read_text(host.proc + "/self/mountinfo"));
  return parse_unified_mount(text);
}

Result<std::string> find_own_cgroup(const Host& host) {
  FFRTMP_ASSIGN(const CgroupMount mount, find_unified_mount(host));
  FFRTMP_ASSIGN(std::string own, read_own_unified_cgroup(host));
  if (mount.root != "/" && own.starts_with(mount.root)) own.erase(0, mount.root.size());
  std::string path = mount.mount_point + own;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (access(path.c_str(), W_OK) != 0) return last_sys_error(cat("no groups can be made in ", path));
  return path;
}

Result<Cgroup> Cgroup::create(const std::string& path) {
  FFRTMP_TRY(make_directories(path, 0755));
  return open(path);
}

Result<Cgroup> Cgroup::open(const std::string& path) {
  FFRTMP_ASSIGN(Fd dir, open_file(path, O_RDONLY | O_DIRECTORY));
  return Cgroup(path, std::move(dir));
}

Status Cgroup::freeze(milliseconds wait) const {
  FFRTMP_TRY(write_text_at(dir_.get(), "cgroup.freeze", "1"));
  return wait_event("frozen", true, wait);
}

Status Cgroup::thaw() const { return write_text_at(dir_.get(), "cgroup.freeze", "0"); }

Result<bool> Cgroup::is_frozen() const { return read_event("frozen"); }
Result<bool> Cgroup::is_populated() const { return read_event("populated"); }

Status Cgroup::wait_empty(milliseconds wait) const {
  const Status status = wait_event("populated", false, wait);
  return !status && status.error().code == Errc::kGone ? Status{} : status;
}

Result<bool> Cgroup::read_event(std::string_view key) const {
  FFRTMP_ASSIGN(const std::string text, read_text_at(dir_.get(), "cgroup.events"));
  const auto value = parse_flat_key(text, key);
  if (!value) return make_error(Errc::kCorrupt, cat(path_, "/cgroup.events: no ", key));
  return *value != 0;
}

Status Cgroup::wait_event(std::string_view key, bool wanted, milliseconds wait) const {
  const Fd events(openat(dir_.get(), "cgroup.events", O_RDONLY | O_CLOEXEC));
  if (!events) return last_sys_error(cat("open ", path_, "/cgroup.events"));
  const auto until = steady_clock::now() + wait;
  for (;;) {
    FFRTMP_ASSIGN(const std::string text, read_at(events.get(), 4096, 0));
    if ((parse_flat_key(text, key).value_or(0) != 0) == wanted) return {};
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    if (left.count() <= 0)
      return make_error(Errc::kTimeout, cat(path_, ": ", key, wanted ? " not reached" : " not left"));
    pollfd item{events.get(), POLLPRI, 0};  // the kernel raises it at each change
    if (poll(&item, 1, static_cast<int>(left.count())) < 0 && errno != EINTR) return last_sys_error("poll");
  }
}

Status Cgroup::kill() const {
  const Status status = write_text_at(dir_.get(), "cgroup.kill", "1");
  if (status) return status;
  // kGone is a missing file here: a kernel before 5.14, or no group at all, which the fallback finds out.
  if (status.error().code != Errc::kGone) return status;
  FFRTMP_TRY(write_text_at(dir_.get(), "cgroup.freeze", "1"));
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

Result<std::vector<pid_t>> Cgroup::procs() const {
  std::vector<pid_t> pids;
  FFRTMP_TRY(append_procs(path_, pids));
  return pids;
}

Result<std::chrono::microseconds> Cgroup::cpu_usage() const {
  FFRTMP_ASSIGN(const std::string text, read_text_at(dir_.get(), "cpu.stat"));
  const auto usage = parse_flat_key(text, "usage_usec");
  if (!usage) return make_error(Errc::kCorrupt, cat(path_, "/cpu.stat: no usage_usec"));
  return std::chrono::microseconds(*usage);
}

Status Cgroup::remove() const { return remove_tree(path_); }

}  // namespace ffrtmp::sys
