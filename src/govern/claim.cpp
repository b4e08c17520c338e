#include "govern/claim.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <memory>

#include "base/fault.h"
#include "base/text.h"
#include "json/json.h"
#include "sys/file_io.h"
#include "sys/lock.h"
#include "sys/rename.h"

namespace ffrtmp::govern {
namespace {

// A claim may vanish or be taken between two looks at it.
constexpr int kTries = 10;
constexpr off_t kMaxBytes = 8 << 20;

std::string directory_of(const std::string& runtime_dir) { return runtime_dir + "/governed"; }

std::string file_name_of(const sys::ProcessKey& key) { return cat(key.pid, "-", key.start_ticks, ".json"); }

// The process of "<pid>-<start_ticks>.json"; nothing for another name.
std::optional<sys::ProcessKey> parse_file_name(std::string_view name) {
  const auto dash = name.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto pid = parse_int(name.substr(0, dash));
  const auto ticks = parse_int(name.substr(dash + 1, name.rfind('.') - dash - 1));
  if (!pid || !ticks) return std::nullopt;
  const sys::ProcessKey key{static_cast<pid_t>(*pid), static_cast<std::uint64_t>(*ticks)};
  return name == file_name_of(key) ? std::optional(key) : std::nullopt;
}

bool names_a_process(std::int64_t pid, std::int64_t start_ticks) {
  return pid > 0 && pid <= std::numeric_limits<pid_t>::max() && start_ticks >= 0;
}

bool counts(int fd) {
  struct stat info {};
  return fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && (info.st_uid == 0 || info.st_uid == geteuid());
}

// A new file beside `path`, locked before anybody can see it under that name.
struct Draft {
  std::string path;
  sys::Fd file;
};
Result<Draft> write_draft(const std::string& path, const Claim& claim) {
  // Unique in the directory: one process takes one claim at a time. What stands there was left by a dead process with
  // this pid, and may be another name of the very claim.
  Draft draft{cat(path, ".", getpid()), {}};
  const auto make = [&] { return sys::open_file(draft.path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600); };
  auto file = make();
  if (!file && file.error().sys == EEXIST) {
    unlink(draft.path.c_str());
    file = make();
  }
  FFRTMP_ASSIGN(draft.file, std::move(file));
  if (!sys::try_lock(draft.file.get())) return make_error(Errc::kNodeBusy, cat(draft.path, " is locked"));
  if (Status written = sys::write_all(draft.file.get(), json::encode(claim) + "\n"); !written) {
    unlink(draft.path.c_str());
    return std::move(written).error();
  }
  return draft;
}

// "12-77.json.<pid>" of a process that is not there any more.
bool is_left_draft(std::string_view name) {
  const auto writer = parse_int(name.substr(std::min(name.rfind('.') + 1, name.size())));
  return writer && *writer > 0 && *writer <= std::numeric_limits<pid_t>::max() &&
         name.find(".json.") != std::string_view::npos && kill(static_cast<pid_t>(*writer), 0) != 0 && errno == ESRCH;
}

Result<Claim> read_claim(int fd, const std::string& path) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return last_sys_error(cat("stat ", path));
  if (info.st_size > kMaxBytes) return make_error(Errc::kTooLarge, cat(path, " has ", info.st_size, " bytes"));
  FFRTMP_ASSIGN(const std::string text, sys::read_at(fd, static_cast<std::size_t>(info.st_size), 0));
  auto claim = parse_claim(text);
  if (!claim) return std::move(claim).error().within(path);
  const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  if (name != file_name_of(claim->key())) return make_error(Errc::kCorrupt, cat(path, " claims ", claim->pid));
  return claim;
}

Error taken(const Claim& claim) {
  return make_error(Errc::kNodeBusy, cat("process ", claim.pid, " is governed already, by ", claim.owner, " (pid ",
                                         claim.owner_pid, ") as job ", claim.governed.job_id));
}

bool is_same_file(int fd, const std::string& path) {
  struct stat held {};
  struct stat named {};
  return fstat(fd, &held) == 0 && stat(path.c_str(), &named) == 0 && held.st_dev == named.st_dev &&
         held.st_ino == named.st_ino;
}

std::optional<FoundClaim> open_claim(const std::string& path) {
  for (int tries = 0; tries < kTries; ++tries) {
    // No Error is made of what is asked of every new process and hardly ever there.
    const sys::Fd fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd || !counts(fd.get())) return std::nullopt;
    auto claim = read_claim(fd.get(), path);
    const bool live = sys::is_locked(fd.get());
    // Replaced by its owner since: the lock that was tried is of a file nobody can find any more.
    if (!is_same_file(fd.get(), path)) continue;
    if (claim) return FoundClaim{std::move(claim).value(), live, path};
    // Of another version, or damaged: whoever holds it governs the process that the file is named after.
    const auto key = parse_file_name(std::string_view(path).substr(path.rfind('/') + 1));
    if (!live || !key) return std::nullopt;
    Claim unread;
    unread.pid = key->pid;
    unread.start_ticks = static_cast<std::int64_t>(key->start_ticks);
    unread.owner = "unknown";
    return FoundClaim{std::move(unread), live, path};
  }
  return std::nullopt;
}

}  // namespace

Result<Claim> parse_claim(std::string_view text) {
  auto claim = json::decode<Claim>(text, json::UnknownKeys::kIgnore);
  if (!claim) return make_error(Errc::kCorrupt, claim.error().message);
  bool is_good = names_a_process(claim->pid, claim->start_ticks);
  for (const Original& member : claim->governed.members)
    is_good = is_good && names_a_process(member.pid, member.start_ticks);
  if (!is_good) return make_error(Errc::kCorrupt, "a claim on no process");
  return claim;
}

Result<HeldClaim> HeldClaim::take(const std::string& runtime_dir, const Claim& claim) {
  const std::string dir = directory_of(runtime_dir);
  const std::string path = cat(dir, "/", file_name_of(claim.key()));
  auto written = write_draft(path, claim);
  if (!written && written.error().sys == ENOENT) {
    if (mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) return last_sys_error(cat("mkdir ", dir));
    written = write_draft(path, claim);
  }
  FFRTMP_ASSIGN(Draft draft, std::move(written));
  const auto drop = [&](Error error) {
    unlink(draft.path.c_str());
    return error;
  };
  for (int tries = 0; tries < kTries; ++tries) {
    const int err = sys::rename_noreplace({AT_FDCWD, draft.path}, {AT_FDCWD, path});
    if (err == 0) return HeldClaim(path, std::move(draft.file));
    if (err != EEXIST) return drop(sys_error(cat("rename to ", path), err));
    const auto there = sys::open_file(path, O_RDONLY | O_NOFOLLOW);
    if (!there) continue;
    if (!sys::try_lock(there->get())) {
      // Somebody who only looks holds it for a moment.
      if (tries + 1 < kTries) {
        poll(nullptr, 0, 1);
        continue;
      }
      const auto other = read_claim(there->get(), path);
      if (other) return drop(taken(*other));
      return drop(
          make_error(Errc::kNodeBusy, cat("process ", claim.pid, " is governed already: ", other.error().message)));
    }
    // Its owner is dead; while we hold the old file's lock nobody else takes its place.
    if (!is_same_file(there->get(), path)) continue;
    if (rename(draft.path.c_str(), path.c_str()) != 0) return drop(last_sys_error(cat("rename to ", path)));
    return HeldClaim(path, std::move(draft.file));
  }
  return drop(sys_error(cat(path, " keeps changing"), EAGAIN));
}

Status HeldClaim::update(const Claim& claim) {
  FFRTMP_TRY(fault::check("claim", path_));
  FFRTMP_ASSIGN(Draft draft, write_draft(path_, claim));
  if (rename(draft.path.c_str(), path_.c_str()) != 0) {
    const Error error = last_sys_error(cat("rename to ", path_));
    unlink(draft.path.c_str());
    return error;
  }
  file_ = std::move(draft.file);
  return {};
}

HeldClaim& HeldClaim::operator=(HeldClaim&& other) noexcept {
  if (this == &other) return *this;
  release();
  path_ = std::move(other.path_);
  file_ = std::move(other.file_);
  return *this;
}

HeldClaim::~HeldClaim() { release(); }

void HeldClaim::release() {
  if (!file_) return;
  unlink(path_.c_str());
  file_.reset();
}

void HeldClaim::keep() { file_.reset(); }

Result<std::optional<FoundClaim>> find_claim(const std::string& runtime_dir, const sys::ProcessKey& process) {
  return open_claim(cat(directory_of(runtime_dir), "/", file_name_of(process)));
}

Result<std::vector<FoundClaim>> list_claims(const std::string& runtime_dir) {
  const std::string path = directory_of(runtime_dir);
  std::vector<FoundClaim> claims;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(path.c_str()), closedir);
  if (!dir && errno == ENOENT) return claims;
  if (!dir) return last_sys_error(cat("open ", path));
  while (const dirent* entry = readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (is_left_draft(name)) unlink(cat(path, "/", name).c_str());
    if (!name.ends_with(".json")) continue;
    if (auto claim = open_claim(cat(path, "/", name))) claims.push_back(std::move(*claim));
  }
  return claims;
}

void drop_claim(const FoundClaim& claim) { unlink(claim.path.c_str()); }

std::string default_runtime_dir(const std::string& asked) {
  if (!asked.empty()) return asked;
  if (geteuid() == 0) return "/run/ffrtmp";
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && *runtime != '\0') return cat(runtime, "/ffrtmp");
  const char* temporary = std::getenv("TMPDIR");
  return cat(temporary != nullptr && *temporary != '\0' ? temporary : "/tmp", "/ffrtmp-", geteuid());
}

Status prepare_runtime_dir(const std::string& runtime_dir) {
  FFRTMP_TRY(sys::make_directories(runtime_dir, 0700));
  struct stat info {};
  if (lstat(runtime_dir.c_str(), &info) != 0) return last_sys_error(cat("stat ", runtime_dir));
  if (!S_ISDIR(info.st_mode) || info.st_uid != geteuid())
    return make_error(Errc::kDenied, cat(runtime_dir, " is no directory of uid ", geteuid()));
  if ((info.st_mode & 0077) != 0)
    return make_error(Errc::kDenied, cat(runtime_dir, " is open to others: chmod 0700 ", runtime_dir));
  return {};
}

}  // namespace ffrtmp::govern
