#include "worker/reuse.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "net/digest.h"
#include "sys/file_io.h"

namespace ffrtmp::worker {

namespace {

// O_NONBLOCK: a pipe that was put in a file's place would hold the worker until somebody writes to it.
constexpr int kReadFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;

}  // namespace

Result<FileDigest> digest_of(const std::string& path) {
  FFRTMP_ASSIGN(const sys::Fd file, sys::open_file(path, kReadFlags));
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return last_sys_error(cat("stat ", path));
  if (!S_ISREG(info.st_mode)) return make_error(Errc::kInvalid, cat(path, " is not a regular file"));
  FFRTMP_ASSIGN(std::string sha256, net::sha256_file(file.get()));
  return FileDigest{info.st_size, std::move(sha256)};
}

Status copy_file(const std::string& from, const std::string& to) {
  FFRTMP_ASSIGN(const sys::Fd source, sys::open_file(from, kReadFlags));
  FFRTMP_ASSIGN(const sys::Fd target, sys::open_file(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
  for (;;) {
    const ssize_t copied = copy_file_range(source.get(), nullptr, target.get(), nullptr, 1 << 26, 0);
    if (copied < 0 && errno == EINTR) continue;
    if (copied < 0) return last_sys_error(cat("copy ", from, " to ", to));
    if (copied == 0) return {};
  }
}

}  // namespace ffrtmp::worker
