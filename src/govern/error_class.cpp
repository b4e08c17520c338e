#include "govern/error_class.h"

#include <cerrno>

namespace ffrtmp::govern {

ErrorClass classify(int err) {
  switch (err) {
    case EINTR:
    case EAGAIN:
    case EBUSY:
    case ETIMEDOUT:
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
      return ErrorClass::kTransient;
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case ENOSPC:
    case EDQUOT:
      return ErrorClass::kResource;
    case ENOBUFS:
    case EUSERS:
      return ErrorClass::kRateLimit;
    case EPERM:
    case EACCES:
    case EROFS:
    case EINVAL:
    case ERANGE:
    case ENOTSUP:
    case ENOSYS:
    case ENODEV:
    case ELOOP:
    case ENAMETOOLONG:
      return ErrorClass::kPermanent;
    default:
      return ErrorClass::kUnknown;
  }
}

ErrorClass classify(const Error& error) {
  if (error.sys == 0 && error.code == Errc::kTooManyRequests) return ErrorClass::kRateLimit;
  return classify(error.sys);
}

bool is_retryable(ErrorClass error_class) { return error_class != ErrorClass::kPermanent; }

std::string_view name_of(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::kTransient:
      return "transient";
    case ErrorClass::kResource:
      return "resource";
    case ErrorClass::kRateLimit:
      return "rate_limit";
    case ErrorClass::kPermanent:
      return "permanent";
    case ErrorClass::kUnknown:
      return "unknown";
  }
  return "";
}

bool is_gone(const Error& error) { return error.code == Errc::kGone && error.sys != ENODEV; }

}  // namespace ffrtmp::govern
