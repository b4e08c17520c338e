#include "sys/lock.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ffrtmp::sys {
namespace {

// Of <sys/file.h>, which this folder's own file.h hides.
constexpr int kLockShared = 1;
constexpr int kLockExclusive = 2;
constexpr int kLockNonBlocking = 4;
constexpr int kUnlock = 8;

}  // namespace

bool try_lock(int fd) { return syscall(SYS_flock, fd, kLockExclusive | kLockNonBlocking) == 0; }

bool is_locked(int fd) {
  if (syscall(SYS_flock, fd, kLockShared | kLockNonBlocking) != 0) return true;
  syscall(SYS_flock, fd, kUnlock);
  return false;
}

}  // namespace ffrtmp::sys
