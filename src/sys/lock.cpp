#include "sys/lock.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ffrtmp::sys {
namespace {

// Of <sys/file.h>, which this folder's own file.h hides.
constexpr int kLockExclusive = 2;
constexpr int kLockNonBlocking = 4;

}  // namespace

bool try_lock(int fd) { return syscall(SYS_flock, fd, kLockExclusive | kLockNonBlocking) == 0; }

}  // namespace ffrtmp::sys
