#include "sys/proc_scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <functional>
#include <memory>

#include "base/text.h"
#include "sys/file_io.h"

namespace ffrtmp::sys {
namespace {

// Fields behind the name, counted from "state" = 0; proc_pid_stat(5) numbers that one 3.
constexpr int kPpidField = 1;
constexpr int kFlagsField = 6;
constexpr int kThreadsField = 17;
constexpr int kStartField = 19;
constexpr int kStackField = 25;
constexpr std::size_t kEntriesBytes = 32 * 1024;

struct linux_dirent64 {
  std::uint64_t d_ino;
  std::int64_t d_off;
  unsigned short d_reclen;
  unsigned char d_type;
  char d_name[];
};

pid_t pid_of(const char* name) {
  pid_t pid = 0;
  for (; *name >= '0' && *name <= '9'; ++name) pid = pid * 10 + (*name - '0');
  return *name == '\0' ? pid : 0;
}

}  // namespace

std::uint64_t ProcLine::exec_stamp() const {
  return start_stack != 0 ? start_stack : std::hash<std::string_view>{}(comm);
}

Result<ProcLine> parse_proc_line(std::string_view text) {
  const auto corrupt = [&] { return make_error(Errc::kCorrupt, cat("stat: \"", escape(text.substr(0, 200)), "\"")); };
  // The C library looks at many bytes at once, where string_view goes one by one.
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto* open = static_cast<const char*>(std::memchr(begin, '(', text.size()));
  const auto* close = static_cast<const char*>(memrchr(begin, ')', text.size()));
  if (open == nullptr || close == nullptr || close < open) return corrupt();
  ProcLine line;
  if (std::from_chars(begin, open, line.pid).ec != std::errc{}) return corrupt();
  line.comm = {open + 1, close};
  const char* at = close + 1;
  for (int field = 0; field <= kStackField; ++field) {
    while (at < end && *at == ' ') ++at;
    if (at == end || *at == '\n') return corrupt();
    const char* stop = at;
    while (stop < end && *stop != ' ') ++stop;
    const auto number = [&](auto& out) { return std::from_chars(at, stop, out).ec == std::errc{}; };
    bool whole = true;
    if (field == 0)
      line.state = *at;
    else if (field == kPpidField)
      whole = number(line.ppid);
    else if (field == kFlagsField)
      whole = number(line.flags);
    else if (field == kThreadsField)
      whole = number(line.threads);
    else if (field == kStartField)
      whole = number(line.start_ticks);
    else if (field == kStackField)
      whole = number(line.start_stack);
    if (!whole) return corrupt();
    at = stop;
  }
  return line;
}

bool ProcDir::is_there() const { return faccessat(fd_.get(), "stat", F_OK, 0) == 0; }

Result<ProcScanner> ProcScanner::open(const Host& host) {
  FFRTMP_ASSIGN(Fd dir, open_file(host.proc, O_RDONLY | O_DIRECTORY));
  return ProcScanner(std::move(dir));
}

Result<ProcLine> ProcScanner::read_at(int dir, const char* name) {
  const Fd file(openat(dir, name, O_RDONLY | O_CLOEXEC));
  if (!file) return last_sys_error(cat("open ", name));
  const ssize_t got = ::read(file.get(), line_.data(), line_.size());
  if (got < 0) return last_sys_error(cat("read ", name));
  return parse_proc_line({line_.data(), static_cast<std::size_t>(got)});
}

Result<ProcLine> ProcScanner::read(pid_t pid) {
  char name[32];
  char* const end = std::to_chars(name, name + 16, pid).ptr;
  std::memcpy(end, "/stat", 6);
  return read_at(dir_.get(), name);
}

Result<ProcLine> ProcScanner::read(const ProcDir& process) { return read_at(process.fd(), "stat"); }

Result<ProcDir> ProcScanner::open_process(pid_t pid) {
  char name[16];
  *std::to_chars(name, name + sizeof name - 1, pid).ptr = '\0';
  Fd dir(openat(dir_.get(), name, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!dir) return last_sys_error(cat("open ", name));
  return ProcDir(std::move(dir));
}

Status ProcScanner::walk(const std::function<Result<bool>(pid_t)>& visit) {
  if (lseek(dir_.get(), 0, SEEK_SET) < 0) return last_sys_error("seek the process directory");
  const auto buffer = std::make_unique<char[]>(kEntriesBytes);
  for (;;) {
    const long got = syscall(SYS_getdents64, dir_.get(), buffer.get(), kEntriesBytes);
    if (got < 0) return last_sys_error("list processes");
    if (got == 0) return {};
    for (long at = 0; at < got;) {
      const auto* entry = reinterpret_cast<const linux_dirent64*>(buffer.get() + at);
      at += entry->d_reclen;
      const pid_t pid = pid_of(entry->d_name);
      if (pid <= 0) continue;
      FFRTMP_ASSIGN(const bool goes_on, visit(pid));
      if (!goes_on) return {};
    }
  }
}

}  // namespace ffrtmp::sys
