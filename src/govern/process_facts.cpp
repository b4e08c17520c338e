#include "govern/process_facts.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>

#include "base/text.h"
#include "sys/file_io.h"

namespace ffrtmp::govern {
namespace {

constexpr std::size_t kMaxArgumentBytes = 4096;
constexpr std::size_t kMaxCgroupBytes = 1 << 20;
constexpr std::string_view kDeleted = " (deleted)";

// Target of a link in /proc. The kernel appends " (deleted)" to what was unlinked; a name that really ends so has
// links.
std::optional<std::string> read_link(int dir, const char* link) {
  std::array<char, PATH_MAX> buffer;
  const ssize_t size = readlinkat(dir, link, buffer.data(), buffer.size());
  if (size <= 0) return std::nullopt;
  std::string_view target(buffer.data(), static_cast<std::size_t>(size));
  if (target.ends_with(kDeleted)) {
    struct stat info {};
    if (fstatat(dir, link, &info, 0) != 0 || info.st_nlink == 0) target.remove_suffix(kDeleted.size());
  }
  return std::string(target);
}

std::string read_or_none(int dir, const char* name, std::size_t max_bytes) {
  return sys::read_piece_at(dir, name, max_bytes).value_or("");
}

// Empty arguments at the end are no arguments (a process that overwrote its title).
std::string_view without_empty_end(std::string_view cmdline) {
  while (!cmdline.empty() && cmdline.back() == '\0') cmdline.remove_suffix(1);
  return cmdline;
}

CommandNames names_of(std::string_view exe, std::string_view cmdline) {
  CommandNames names;
  if (!exe.empty()) names.exe = basename_of(exe);
  const std::string_view arguments = without_empty_end(cmdline);
  if (!arguments.empty()) names.argv0 = basename_of(arguments.substr(0, arguments.find('\0')));
  return names;
}

}  // namespace

std::vector<std::string> parse_cmdline(std::string_view text) {
  text = without_empty_end(text);
  std::vector<std::string> arguments;
  if (text.empty()) return arguments;
  for (const std::string_view part : split(text, '\0')) arguments.emplace_back(part);
  return arguments;
}

std::vector<std::string> ProcessFacts::argv() const { return parse_cmdline(cmdline); }

std::string_view basename_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

BootTime FactReader::time_of(std::uint64_t ticks) const {
  const auto per_second = static_cast<std::uint64_t>(ticks_per_second_);
  return BootTime(std::chrono::seconds(ticks / per_second) +
                  std::chrono::nanoseconds(ticks % per_second * 1'000'000'000 / per_second));
}

// By the number alone: whose it is does not matter, or is asked afterwards.
Program FactReader::read_program(pid_t pid) const {
  const std::string process = cat(pid, "/");
  Program program;
  program.exe = read_link(scanner_.fd(), (process + "exe").c_str()).value_or("");
  program.cmdline = read_or_none(scanner_.fd(), (process + "cmdline").c_str(), kMaxArgumentBytes);
  program.names = names_of(program.exe, program.cmdline);
  return program;
}

ProcessFacts FactReader::read_names(const sys::ProcLine& line, const sys::ProcDir& process, Program seen) const {
  ProcessFacts facts;
  facts.key = line.key();
  facts.ppid = line.ppid;
  facts.threads = line.threads;
  facts.state = line.state;
  facts.is_kernel_thread = line.is_kernel_thread();
  facts.exec_stamp = line.exec_stamp();
  facts.started = time_of(line.start_ticks);
  if (facts.is_kernel_thread || facts.has_ended()) return facts;
  facts.exe = read_link(process.fd(), "exe").value_or("");
  const bool is_seen = !facts.exe.empty() && facts.exe == seen.exe;
  facts.cmdline = is_seen ? std::move(seen.cmdline) : read_or_none(process.fd(), "cmdline", kMaxArgumentBytes);
  facts.names = names_of(facts.exe, facts.cmdline);
  return facts;
}

Result<ProcessFacts> FactReader::read_names(pid_t pid) {
  FFRTMP_ASSIGN(const sys::ProcDir process, scanner_.open_process(pid));
  FFRTMP_ASSIGN(const sys::ProcLine line, scanner_.read(process));
  return read_names(line, process);
}

Status FactReader::read_rest(ProcessFacts& facts, const sys::ProcDir& process) {
  // The directory's owner is the effective user, also of a process that may not be looked into (task_dump_owner() of
  // fs/proc/base.c): what `status` says, without its forty other lines.
  struct stat owner {};
  if (fstat(process.fd(), &owner) == 0) facts.uid = owner.st_uid;
  facts.cwd = read_link(process.fd(), "cwd");
  facts.cgroups = read_or_none(process.fd(), "cgroup", kMaxCgroupBytes);
  if (!facts.cgroups.empty()) return {};
  const auto still = scanner_.read(process);
  return still ? Status{} : Status(still.error());
}

Status FactReader::read_rest(ProcessFacts& facts) {
  FFRTMP_ASSIGN(const sys::ProcDir process, scanner_.open_process(facts.key.pid));
  FFRTMP_ASSIGN(const sys::ProcLine line, scanner_.read(process));
  if (line.start_ticks != facts.key.start_ticks)
    return make_error(Errc::kGone, cat("process ", facts.key.pid, " is another one now"));
  return read_rest(facts, process);
}

ParentFacts FactReader::read_parent(pid_t ppid) {
  ParentFacts parent;
  parent.pid = ppid;
  if (ppid <= 0 || !scanner_.read(ppid)) return parent;
  parent.names = read_program(ppid).names;
  parent.is_readable = parent.names.exe || parent.names.argv0;
  return parent;
}

}  // namespace ffrtmp::govern
