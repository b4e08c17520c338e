#include "worker/input_dir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>

#include "base/log.h"
#include "base/text.h"
#include "sys/file_io.h"
#include "sys/lock.h"

namespace ffrtmp::worker {
namespace {

constexpr std::string_view kPrefix = "input_";
constexpr std::string_view kSuffix = ".mp4";
constexpr std::string_view kPart = ".part";

std::string name_of(const Uuid& job) { return cat(kPrefix, job.str(), kSuffix); }
std::string part_of(const Uuid& job) { return cat(name_of(job), kPart); }

// The job of a name that we gave: "input_<uuid>.mp4", with ".part" or without.
std::optional<Uuid> job_of(std::string_view name) {
  if (name.ends_with(kPart)) name.remove_suffix(kPart.size());
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix) || name.size() <= kPrefix.size() + kSuffix.size())
    return std::nullopt;
  const std::string_view text = name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
  const auto id = parse_uuid(text);
  // Spelled as we spell it: another spelling is somebody else's.
  if (!id || id->str() != text) return std::nullopt;
  return *id;
}

}  // namespace

InputDir::InputDir(std::string path, sys::Fd dir)
    : path_(std::move(path)),
      dir_(std::move(dir)),
      is_ours_(sys::try_lock(dir_.get())),
      mutex_(std::make_unique<std::mutex>()) {}

Result<InputDir> InputDir::open(const std::string& work_dir) {
  const std::string path = work_dir + "/inputs";
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return last_sys_error(cat("mkdir ", path));
  FFRTMP_ASSIGN(sys::Fd dir, sys::open_file(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fchmod(dir.get(), 0700) != 0) return last_sys_error(cat("chmod ", path));
  return InputDir(path, std::move(dir));
}

std::string InputDir::part_path(const Uuid& job) const { return cat(path_, "/", part_of(job)); }
std::string InputDir::path(const Uuid& job) const { return cat(path_, "/", name_of(job)); }

std::uint64_t InputDir::inode_of(const std::string& name) const {
  struct stat info {};
  if (fstatat(dir_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode)) return 0;
  return info.st_ino;
}

Result<InputDir::Part> InputDir::create_part(const Uuid& job) {
  const std::lock_guard lock(*mutex_);
  const std::string name = part_of(job);
  if (inode_of(name) != 0) unlinkat(dir_.get(), name.c_str(), 0);
  sys::Fd file(openat(dir_.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return last_sys_error(cat("make ", part_path(job)));
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return last_sys_error(cat("stat ", part_path(job)));
  return Part{std::move(file), info.st_ino};
}

Result<std::int64_t> InputDir::finish(const Uuid& job, std::uint64_t inode) {
  const std::lock_guard lock(*mutex_);
  if (inode_of(part_of(job)) != inode) return make_error(Errc::kGone, cat(part_path(job), " is gone or another's"));
  if (renameat(dir_.get(), part_of(job).c_str(), dir_.get(), name_of(job).c_str()) != 0)
    return last_sys_error(cat("rename to ", path(job)));
  struct stat info {};
  if (fstatat(dir_.get(), name_of(job).c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
    return last_sys_error(cat("stat ", path(job)));
  return info.st_size;
}

void InputDir::remove(const Uuid& job, std::uint64_t inode) {
  const std::lock_guard lock(*mutex_);
  for (const std::string& name : {part_of(job), name_of(job)})
    if (inode != 0 && inode_of(name) == inode) unlinkat(dir_.get(), name.c_str(), 0);
}

void InputDir::sweep(const std::vector<Uuid>& keep) {
  if (!is_ours_) {
    log::warn("another worker uses this directory of inputs, nothing is swept", {{"path", path_}});
    return;
  }
  const std::lock_guard lock(*mutex_);
  for (const std::string& name : sys::names_in(dir_.get())) {
    const auto job = job_of(name);
    if (!job || std::find(keep.begin(), keep.end(), *job) != keep.end() || inode_of(name) == 0) continue;
    if (unlinkat(dir_.get(), name.c_str(), 0) == 0) log::info("input of an ended job removed", {{"file", name}});
  }
}

}  // namespace ffrtmp::worker
