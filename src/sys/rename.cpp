#include "sys/rename.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace ffrtmp::sys {

int rename_noreplace(DirEntry from, DirEntry to) {
  if (renameat2(from.dir, from.name.c_str(), to.dir, to.name.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  if (linkat(from.dir, from.name.c_str(), to.dir, to.name.c_str(), 0) != 0) return errno;
  if (unlinkat(from.dir, from.name.c_str(), 0) == 0) return 0;
  const int err = errno;
  (void)unlinkat(to.dir, to.name.c_str(), 0);  // as it was
  return err;
}

int exchange(DirEntry from, DirEntry to) {
  if (renameat2(from.dir, from.name.c_str(), to.dir, to.name.c_str(), RENAME_EXCHANGE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  return renameat(from.dir, from.name.c_str(), to.dir, to.name.c_str()) == 0 ? 0 : errno;
}

}  // namespace ffrtmp::sys
