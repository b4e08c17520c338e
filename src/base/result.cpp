#include "base/result.h"

#include <cerrno>
#include <cstring>

namespace ffrtmp {
namespace {

Errc code_of(int err) {
  switch (err) {
    case ENOENT:
    case ESRCH:
    case ENODEV:
      return Errc::kGone;
    case EPERM:
    case EACCES:
      return Errc::kDenied;
    case ENOSYS:
    case EOPNOTSUPP:
      return Errc::kUnsupported;
    default:
      return Errc::kIo;
  }
}

}  // namespace

Error sys_error(std::string what, int err) {
  what += ": ";
  what += std::strerror(err);
  return Error{code_of(err), err, std::move(what), {}};
}

Error last_sys_error(std::string what) {
  const int err = errno;
  return sys_error(std::move(what), err);
}

}  // namespace ffrtmp
