#pragma once
// Which failures are worth another try. By errno only: texts change with kernel and locale.
#include <boost/describe.hpp>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace ffrtmp::govern {

enum class ErrorClass : std::uint8_t {
  kTransient,  // EINTR EAGAIN EBUSY ETIMEDOUT ECONNREFUSED ECONNRESET EPIPE
  kResource,   // ENOMEM EMFILE ENFILE ENOSPC EDQUOT
  kRateLimit,  // ENOBUFS EUSERS, HTTP 429
  kPermanent,  // EPERM EACCES EROFS EINVAL ERANGE ENOTSUP ENOSYS ENODEV ELOOP ENAMETOOLONG
  kUnknown
};
BOOST_DESCRIBE_ENUM(ErrorClass, kTransient, kResource, kRateLimit, kPermanent, kUnknown)

[[nodiscard]] ErrorClass classify(int err);
[[nodiscard]] ErrorClass classify(const Error& error);
[[nodiscard]] bool is_retryable(ErrorClass error_class);  // all but kPermanent
[[nodiscard]] std::string_view name_of(ErrorClass error_class);
// The process is not there any more (ESRCH, ENOENT below /proc/PID): no error, an outcome.
[[nodiscard]] bool is_gone(const Error& error);

}  // namespace ffrtmp::govern
