#include "media/paths.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>

#include "base/text.h"
#include "model/locator.h"
#include "sys/fd.h"

namespace ffrtmp::media {
namespace {

constexpr mode_t kDirectoryMode = 0755;

// The worker's answer to a path that its master let pass.
Status check_syntax(const std::string& path) {
  if (auto status = model::check_path(path); !status) return field_error("", status.error().message);
  return {};
}

// A root may itself be reached through symlinks (its owner chose it); what lies beneath may not.
std::string real_root(const std::string& root) {
  char resolved[PATH_MAX];
  return realpath(root.c_str(), resolved) != nullptr ? std::string(resolved) : std::string();
}

struct Place {
  std::string root;      // real
  std::string relative;  // beneath it
};

// Every root that the path's text lies beneath, the innermost first.
std::vector<Place> places(const std::string& path, const std::vector<std::string>& roots) {
  std::vector<Place> out;
  for (const std::string& root : roots) {
    const std::string real = real_root(root);
    if (real.empty()) continue;
    auto relative = model::relative_to(path, root);
    if (!relative) relative = model::relative_to(path, real);
    if (relative) out.push_back({real, std::string(*relative)});
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Place& a, const Place& b) { return a.relative.size() < b.relative.size(); });
  return out;
}

// Source: openat2(2), Linux 5.6.
Result<sys::Fd> open_beneath(int dir, const std::string& relative, std::uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  for (;;) {
    const long fd = syscall(SYS_openat2, dir, relative.c_str(), &how, sizeof how);
    if (fd >= 0) return sys::Fd(static_cast<int>(fd));
    if (errno == EINTR || errno == EAGAIN) continue;  // EAGAIN: a rename raced with the look-up
    if (errno == ELOOP || errno == EXDEV)
      return make_error(Errc::kForbidden, cat(relative, ": a symbolic link on the way is not followed"));
    return last_sys_error(cat("open ", relative));
  }
}

Result<sys::Fd> open_root(const std::string& root) {
  const int fd = open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return last_sys_error(cat("open ", root));
  return sys::Fd(fd);
}

Error outside(const std::string& path, const std::vector<std::string>& roots) {
  return make_error(Errc::kForbidden, cat(path, " is outside the allowed directories: ", join(roots, ", ")));
}

std::string joined(const std::string& dir, std::string_view name) {
  if (name.empty()) return dir;
  return dir == "/" ? cat("/", name) : cat(dir, "/", name);
}

// Opens `relative` part by part, making what is missing. A part that turns up meanwhile is opened like the others.
Result<sys::Fd> make_beneath(const std::string& root, const std::string& relative) {
  FFRTMP_ASSIGN(sys::Fd dir, open_root(root));
  if (relative.empty()) return open_beneath(dir.get(), ".", O_RDONLY | O_DIRECTORY);
  for (const std::string_view part : split(relative, '/')) {
    const std::string name(part);
    if (mkdirat(dir.get(), name.c_str(), kDirectoryMode) != 0 && errno != EEXIST)
      return last_sys_error(cat("mkdir ", name));
    FFRTMP_ASSIGN(dir, open_beneath(dir.get(), name, O_RDONLY | O_DIRECTORY));
  }
  return dir;
}

Result<OpenedInput> open_at(const Place& place) {
  FFRTMP_ASSIGN(const sys::Fd root, open_root(place.root));
  // O_NONBLOCK: a FIFO must not hold us up.
  FFRTMP_ASSIGN(sys::Fd fd, open_beneath(root.get(), place.relative, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return last_sys_error(cat("stat ", place.relative));
  const std::string path = joined(place.root, place.relative);
  if (!S_ISREG(info.st_mode)) return make_error(Errc::kInvalid, cat(path, " is not a regular file"));
  return OpenedInput{fd.release(), path, info.st_size};
}

}  // namespace

Result<OpenedInput> open_input(const std::string& path, const std::vector<std::string>& roots) {
  FFRTMP_TRY(check_syntax(path));
  const auto found = places(path, roots);
  if (found.empty()) return outside(path, roots);
  return open_at(found.front());
}

Result<OutputPlace> open_output_place(const std::string& path, const std::vector<std::string>& roots) {
  FFRTMP_TRY(check_syntax(path));
  const auto found = places(path, roots);
  if (found.empty()) return outside(path, roots);
  const Place& place = found.front();
  const std::size_t slash = place.relative.rfind('/');
  const std::string parent = slash == std::string::npos ? "" : place.relative.substr(0, slash);
  FFRTMP_ASSIGN(sys::Fd dir, make_beneath(place.root, parent));
  return OutputPlace{dir.release(), joined(place.root, parent),
                     place.relative.substr(slash == std::string::npos ? 0 : slash + 1)};
}

}  // namespace ffrtmp::media
