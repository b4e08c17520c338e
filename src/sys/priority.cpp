#include "sys/priority.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/text.h"
#include "sys/file_io.h"

namespace ffrtmp::sys {

Result<std::vector<pid_t>> read_threads(const Host& host, pid_t pid) {
  const std::string path = cat(host.proc, "/", pid, "/task");
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(path.c_str()), closedir);
  if (!dir) return last_sys_error(cat("open ", path));
  std::vector<pid_t> threads;
  while (const dirent* entry = readdir(dir.get()))
    if (const auto tid = parse_int(entry->d_name)) threads.push_back(static_cast<pid_t>(*tid));
  if (threads.empty()) return sys_error(cat("read ", path), ESRCH);
  return threads;
}

Result<int> read_nice(pid_t tid) {
  errno = 0;  // -1 is a nice value
  const int nice = getpriority(PRIO_PROCESS, static_cast<id_t>(tid));
  if (nice == -1 && errno != 0) return last_sys_error(cat("getpriority ", tid));
  return nice;
}

Status write_nice(pid_t tid, int nice) {
  if (setpriority(PRIO_PROCESS, static_cast<id_t>(tid), nice) != 0) return last_sys_error(cat("setpriority ", tid));
  return {};
}

Result<int> read_oom_score_adj(const Host& host, pid_t pid) {
  FFRTMP_ASSIGN(const std::string text, read_text(cat(host.proc, "/", pid, "/oom_score_adj")));
  const auto value = parse_int(trim(text));
  if (!value) return make_error(Errc::kCorrupt, cat("oom_score_adj of ", pid, ": \"", escape(text), "\""));
  return static_cast<int>(*value);
}

Status write_oom_score_adj(const Host& host, pid_t pid, int value) {
  FFRTMP_ASSIGN(const Fd fd, open_file(cat(host.proc, "/", pid, "/oom_score_adj"), O_WRONLY));
  return write_all(fd.get(), cat(value));
}

Result<std::int64_t> read_resident_bytes(const Host& host, pid_t pid) {
  FFRTMP_ASSIGN(const std::string text, read_text(cat(host.proc, "/", pid, "/statm")));
  const auto fields = split(trim(text), ' ');
  const auto pages = fields.size() > 1 ? parse_int(fields[1]) : std::nullopt;
  if (!pages) return make_error(Errc::kCorrupt, cat("statm of ", pid, ": \"", escape(text), "\""));
  return *pages * sysconf(_SC_PAGESIZE);
}

}  // namespace ffrtmp::sys
