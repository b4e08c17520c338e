#include "govern/process_facts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>

#include "base/text.h"
#include "sys/file_io.h"

namespace ffrtmp::govern {
namespace {

constexpr std::size_t kMaxArgumentBytes = 4096;
constexpr std::string_view kDeleted = " (deleted)";
constexpr int kMaxAncestors = 4096;  // more than the deepest tree: pids reused between two reads may form a ring

// Target of a link in /proc. The kernel appends " (deleted)" to what was unlinked; a name that really ends so has
// links.
std::optional<std::string> read_link(const std::string& link) {
  std::array<char, PATH_MAX> buffer;
  const ssize_t size = readlink(link.c_str(), buffer.data(), buffer.size());
  if (size <= 0) return std::nullopt;
  std::string target(buffer.data(), static_cast<std::size_t>(size));
  if (target.ends_with(kDeleted)) {
    struct stat info {};
    if (stat(link.c_str(), &info) != 0 || info.st_nlink == 0) target.resize(target.size() - kDeleted.size());
  }
  return target;
}

std::string read_head(const std::string& path, std::size_t size) {
  auto file = sys::open_file(path, O_RDONLY);
  if (!file) return {};
  std::string text(size, '\0');
  const ssize_t got = read(file->get(), text.data(), size);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

}  // namespace

std::vector<std::string> parse_cmdline(std::string_view text) {
  while (!text.empty() && text.back() == '\0') text.remove_suffix(1);
  std::vector<std::string> arguments;
  if (text.empty()) return arguments;
  for (const std::string_view part : split(text, '\0')) arguments.emplace_back(part);
  return arguments;
}

std::optional<std::uint32_t> parse_effective_uid(std::string_view status) {
  for (const std::string_view line : split(status, '\n')) {
    if (!line.starts_with("Uid:")) continue;
    const auto fields = split(line, '\t');
    if (fields.size() < 3) return std::nullopt;
    const auto uid = parse_int(trim(fields[2]));
    if (!uid || *uid < 0 || *uid > UINT32_MAX) return std::nullopt;
    return static_cast<std::uint32_t>(*uid);
  }
  return std::nullopt;
}

std::string_view basename_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

BootTime FactReader::time_of(std::uint64_t ticks) const {
  const auto per_second = static_cast<std::uint64_t>(ticks_per_second_);
  return BootTime(std::chrono::seconds(ticks / per_second) +
                  std::chrono::nanoseconds(ticks % per_second * 1'000'000'000 / per_second));
}

CommandNames FactReader::read_command(pid_t pid, std::string* exe, std::vector<std::string>* argv) const {
  CommandNames names;
  const std::string dir = cat(host_.proc, "/", pid, "/");
  if (auto path = read_link(dir + "exe")) {
    names.exe = std::string(basename_of(*path));
    if (exe != nullptr) *exe = std::move(*path);
  }
  auto arguments = parse_cmdline(read_head(dir + "cmdline", kMaxArgumentBytes));
  if (!arguments.empty()) names.argv0 = std::string(basename_of(arguments.front()));
  if (argv != nullptr) *argv = std::move(arguments);
  return names;
}

ProcessFacts FactReader::read_names(const sys::ProcLine& line) {
  ProcessFacts facts;
  facts.key = line.key();
  facts.ppid = line.ppid;
  facts.threads = line.threads;
  facts.state = line.state;
  facts.is_kernel_thread = line.is_kernel_thread();
  facts.exec_stamp = line.exec_stamp();
  facts.started = time_of(line.start_ticks);
  if (!facts.is_kernel_thread && !facts.has_ended()) facts.names = read_command(line.pid, &facts.exe, &facts.argv);
  return facts;
}

Result<ProcessFacts> FactReader::read_names(pid_t pid) {
  FFRTMP_ASSIGN(const sys::ProcLine line, scanner_.read(pid));
  return read_names(line);
}

Status FactReader::read_rest(ProcessFacts& facts) {
  const std::string dir = cat(host_.proc, "/", facts.key.pid);
  facts.uid = parse_effective_uid(read_head(dir + "/status", kMaxArgumentBytes));
  struct stat owner {};
  if (!facts.uid && stat(dir.c_str(), &owner) == 0) facts.uid = owner.st_uid;
  facts.cwd = read_link(dir + "/cwd");
  if (auto membership = sys::read_membership(host_, facts.key.pid)) facts.cgroup = std::move(*membership);
  FFRTMP_ASSIGN(const sys::ProcLine line, scanner_.read(facts.key.pid));
  if (line.start_ticks != facts.key.start_ticks)
    return make_error(Errc::kGone, cat("process ", facts.key.pid, " is another one now"));
  return {};
}

ParentFacts FactReader::read_parent(pid_t ppid) {
  ParentFacts parent;
  parent.pid = ppid;
  if (ppid <= 0 || !scanner_.read(ppid)) return parent;
  parent.names = read_command(ppid, nullptr, nullptr);
  parent.is_readable = parent.names.exe || parent.names.argv0;
  return parent;
}

std::vector<pid_t> FactReader::read_ancestors(const ProcessFacts& facts) {
  std::vector<pid_t> chain;
  pid_t pid = facts.ppid;
  while (pid > 0 && chain.size() < kMaxAncestors) {
    chain.push_back(pid);
    if (pid == 1) break;
    const auto line = scanner_.read(pid);
    if (!line) break;
    pid = line->ppid;
  }
  return chain;
}

}  // namespace ffrtmp::govern
