#include "govern/open_controls.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "sys/file_io.h"

namespace ffrtmp::govern {
namespace {

// Ten files a group at most.
constexpr std::size_t kGroupsKept = 16;
constexpr std::size_t kPieceBytes = 4096;

}  // namespace

int OpenControls::Group::open(const char* file) {
  const auto known = files_.find(file);
  if (known != files_.end()) return known->second.get();
  sys::Fd fd(::open(cat(directory_, "/", file).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return -1;
  return files_.emplace(file, std::move(fd)).first->second.get();
}

std::optional<std::string> OpenControls::Group::read(const char* file) {
  const int fd = open(file);
  if (fd < 0) return std::nullopt;
  auto text = sys::read_piece(fd, file);
  return text ? std::optional(std::move(*text)) : std::nullopt;
}

bool OpenControls::Group::for_each_process(const std::function<bool(pid_t)>& take) {
  const int fd = open("cgroup.procs");
  if (fd < 0) return false;
  char buffer[kPieceBytes];
  off_t offset = 0;
  for (std::string rest;;) {
    const ssize_t got = pread(fd, buffer, sizeof buffer, offset);
    if (got < 0) return false;
    offset += got;
    rest.append(buffer, static_cast<std::size_t>(got));
    // A piece may end within a line.
    const std::size_t whole = got == 0 ? rest.size() : rest.rfind('\n') + 1;
    for (const std::string_view line : split(std::string_view(rest).substr(0, whole), '\n')) {
      const auto pid = parse_int(line);
      if (pid && !take(static_cast<pid_t>(*pid))) return true;
    }
    rest.erase(0, whole);
    if (got == 0) return true;
  }
}

OpenControls::Group& OpenControls::enter(const std::string& directory) {
  Group& group = groups_[directory];
  struct stat info {};
  const ino_t inode = stat(directory.c_str(), &info) == 0 ? info.st_ino : 0;
  if (group.inode_ != inode) group.files_.clear();
  group.directory_ = directory;
  group.inode_ = inode;
  return group;
}

void OpenControls::trim() {
  if (groups_.size() > kGroupsKept) groups_.clear();
}

}  // namespace ffrtmp::govern
