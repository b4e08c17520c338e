#include "sys/file_io.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>

#include "base/text.h"

namespace ffrtmp::sys {
namespace {

template <class Call>
auto retry(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

Result<std::string> read_to_end(int fd, std::string_view name, std::size_t max_bytes) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t n = retry([&] { return read(fd, buffer, sizeof buffer); });
    if (n < 0) return last_sys_error(cat("read ", name));
    if (n == 0) return text;
    text.append(buffer, static_cast<std::size_t>(n));
    if (text.size() > max_bytes) return make_error(Errc::kTooLarge, cat(name, " exceeds ", max_bytes, " bytes"));
  }
}

Status sync_directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string dir = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  FFRTMP_ASSIGN(const Fd fd, open_file(dir, O_RDONLY | O_DIRECTORY));
  if (fsync(fd.get()) != 0) return last_sys_error(cat("fsync ", dir));
  return {};
}

Status fill(const Fd& fd, const std::string& path, std::string_view text, mode_t mode, Sync sync) {
  // What an earlier process left under that name lends its mode to nothing.
  if (fchmod(fd.get(), mode) != 0) return last_sys_error(cat("chmod ", path));
  FFRTMP_TRY(write_all(fd.get(), text));
  if (sync == Sync::kYes && fsync(fd.get()) != 0) return last_sys_error(cat("fsync ", path));
  return {};
}

// `fd` is of `temporary`, which is gone afterwards in any case.
Status replace(const std::string& path, const std::string& temporary, const Fd& fd, std::string_view text, mode_t mode,
               Sync sync) {
  Status done = fill(fd, temporary, text, mode, sync);
  if (done && rename(temporary.c_str(), path.c_str()) != 0) done = last_sys_error(cat("rename to ", path));
  if (!done) {
    unlink(temporary.c_str());
    return done;
  }
  return sync == Sync::kYes ? sync_directory_of(path) : Status{};
}

}  // namespace

Result<Fd> open_file(const std::string& path, int flags, mode_t mode) {
  Fd fd(retry([&] { return open(path.c_str(), flags | O_CLOEXEC, mode); }));
  if (!fd) return last_sys_error(cat("open ", path));
  return fd;
}

Result<std::string> read_text(const std::string& path, std::size_t max_bytes) {
  FFRTMP_ASSIGN(const Fd fd, open_file(path, O_RDONLY));
  return read_to_end(fd.get(), path, max_bytes);
}

Result<std::string> read_text_at(int dir, const char* name, std::size_t max_bytes) {
  const Fd fd(openat(dir, name, O_RDONLY | O_CLOEXEC));
  if (!fd) return last_sys_error(cat("open ", name));
  return read_to_end(fd.get(), name, max_bytes);
}

Result<std::string> read_piece(int fd, std::string_view name, std::size_t max_bytes) {
  std::string text;
  char buffer[4096];
  while (text.size() < max_bytes) {
    const ssize_t n = retry([&] { return pread(fd, buffer, sizeof buffer, static_cast<off_t>(text.size())); });
    if (n < 0) return last_sys_error(cat("read ", name));
    text.append(buffer, static_cast<std::size_t>(n));
    if (static_cast<std::size_t>(n) < sizeof buffer) break;
  }
  return text;
}

Result<std::string> read_piece_at(int dir, const char* name, std::size_t max_bytes) {
  const Fd fd(openat(dir, name, O_RDONLY | O_CLOEXEC));
  if (!fd) return last_sys_error(cat("open ", name));
  return read_piece(fd.get(), name, max_bytes);
}

Status write_piece(int fd, std::string_view name, std::string_view text) {
  const ssize_t n = retry([&] { return pwrite(fd, text.data(), text.size(), 0); });
  if (n < 0) return last_sys_error(cat("write ", name));
  if (static_cast<std::size_t>(n) != text.size()) return make_error(Errc::kIo, cat("short write to ", name));
  return {};
}

Status write_text_at(int dir, const char* name, std::string_view text) {
  const Fd fd(openat(dir, name, O_WRONLY | O_CLOEXEC));
  if (!fd) return last_sys_error(cat("open ", name));
  return write_piece(fd.get(), name, text);
}

Status write_atomic(const std::string& path, std::string_view text, mode_t mode, Sync sync) {
  const std::string temporary = path + ".tmp";
  FFRTMP_ASSIGN(const Fd fd, open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode));
  return replace(path, temporary, fd, text, mode, sync);
}

Status write_atomic(const std::string& path, const std::string& temporary, std::string_view text, mode_t mode,
                    Sync sync) {
  FFRTMP_ASSIGN(const Fd fd, open_file(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
  return replace(path, temporary, fd, text, mode, sync);
}

Status write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t n = retry([&] { return write(fd, data.data(), data.size()); });
    if (n < 0) return last_sys_error("write");
    data.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Status write_all_at(int fd, std::string_view data, off_t offset) {
  while (!data.empty()) {
    const ssize_t n = retry([&] { return pwrite(fd, data.data(), data.size(), offset); });
    if (n < 0) return last_sys_error("pwrite");
    data.remove_prefix(static_cast<std::size_t>(n));
    offset += n;
  }
  return {};
}

Result<std::string> read_at(int fd, std::size_t size, off_t offset) {
  std::string data(size, '\0');
  std::size_t got = 0;
  while (got < size) {
    const ssize_t n = retry([&] { return pread(fd, data.data() + got, size - got, offset + static_cast<off_t>(got)); });
    if (n < 0) return last_sys_error("pread");
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  data.resize(got);
  return data;
}

std::vector<std::string> names_in(int dir) {
  std::vector<std::string> names;
  Fd copy(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(copy ? fdopendir(copy.get()) : nullptr, closedir);
  if (!entries) return names;
  (void)copy.release();  // closed with the list
  while (const dirent* entry = readdir(entries.get()))
    if (const std::string_view name = entry->d_name; name != "." && name != "..") names.emplace_back(name);
  return names;
}

Status make_directories(const std::string& path, mode_t mode) {
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const std::string part = path.substr(0, at);
    if (mkdir(part.c_str(), mode) != 0 && errno != EEXIST) {
      // A parent on a read-only or foreign file system may refuse although it is there.
      const int err = errno;
      struct stat info {};
      if (stat(part.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return sys_error(cat("mkdir ", part), err);
    }
    if (at == std::string::npos) return {};
  }
}

}  // namespace ffrtmp::sys
