#include "sys/confinement.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"

namespace ffrtmp::sys {
namespace {

// Since ABI 2 and 3; the header of an older kernel lacks them.
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kWrite = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;
constexpr std::uint64_t kMake = LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |
                                LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                LANDLOCK_ACCESS_FS_REFER;
// Refused everywhere, as no rule gives them.
constexpr std::uint64_t kNever = LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                                 LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
                                 LANDLOCK_ACCESS_FS_MAKE_SYM;
constexpr std::uint64_t kOfFiles = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | kWrite;

// The rights that this kernel knows.
Result<std::uint64_t> known_rights() {
  const long abi = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 0) return make_error(Errc::kUnsupported, cat("no Landlock: ", last_sys_error("landlock").message));
  std::uint64_t rights = kRead | kWrite | kMake | kNever;
  if (abi < 2) rights &= ~LANDLOCK_ACCESS_FS_REFER;
  if (abi < 3) rights &= ~LANDLOCK_ACCESS_FS_TRUNCATE;
  return rights;
}

Status allow(const Fd& ruleset, const std::string& path, std::uint64_t rights) {
  const Fd fd(open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!fd && (errno == ENOENT || errno == ENOTDIR || errno == EACCES)) return {};
  if (!fd) return last_sys_error(cat("open ", path));
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return last_sys_error(cat("stat ", path));
  landlock_path_beneath_attr rule{};
  rule.allowed_access = S_ISDIR(info.st_mode) ? rights : rights & kOfFiles;
  rule.parent_fd = fd.get();
  if (syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
    return last_sys_error(cat("landlock rule for ", path));
  return {};
}

}  // namespace

Result<Fd> make_ruleset(const Confinement& confinement) {
  FFRTMP_ASSIGN(const std::uint64_t known, known_rights());
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = known;
  Fd ruleset(static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  if (!ruleset) return last_sys_error("landlock_create_ruleset");
  for (const std::string& path : confinement.read) FFRTMP_TRY(allow(ruleset, path, kRead & known));
  for (const std::string& path : confinement.write) FFRTMP_TRY(allow(ruleset, path, (kRead | kWrite) & known));
  for (const std::string& path : confinement.write_tree)
    FFRTMP_TRY(allow(ruleset, path, (kRead | kWrite | kMake) & known));
  return ruleset;
}

}  // namespace ffrtmp::sys
