#pragma once
// Result<T>: a value or an Error, with std::expected's member names, [[nodiscard]]. Own type because the packaged
// alternatives either do not warn on a dropped result or double the compile time of every file.
#include <cassert>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/errc.h"

namespace ffrtmp {

// What went wrong: a code for machines, a message for people that is never parsed.
struct Error {
  Errc code = Errc::kInternal;
  int sys = 0;           // errno where a system call failed, else 0
  std::string message;   // names the thing and the place
  std::string field;     // the request field at fault, as "parameters.crf"; only with kInvalidField

  // The same error with the caller's context in front: "context: message".
  [[nodiscard]] Error within(std::string_view context) && {
    message.insert(0, std::string(context) + ": ");
    return std::move(*this);
  }
};

[[nodiscard]] inline Error make_error(Errc code, std::string message) { return Error{code, 0, std::move(message), {}}; }
[[nodiscard]] inline Error field_error(std::string field, std::string message) {
  return Error{Errc::kInvalidField, 0, std::move(message), std::move(field)};
}
// Error of a failed system call: `what` names call and object, errno text is appended. ENOENT and ESRCH become
// kGone, EPERM and EACCES kDenied, ENOSYS, EOPNOTSUPP kUnsupported, all else kIo.
[[nodiscard]] Error sys_error(std::string what, int err);
// As above, with the current errno.
[[nodiscard]] Error last_sys_error(std::string what);

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  T& value() & { assert(has_value()); return *std::get_if<0>(&state_); }
  const T& value() const& { assert(has_value()); return *std::get_if<0>(&state_); }
  T&& value() && { assert(has_value()); return std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  Error& error() & { assert(!has_value()); return *std::get_if<1>(&state_); }
  const Error& error() const& { assert(!has_value()); return *std::get_if<1>(&state_); }
  Error&& error() && { assert(!has_value()); return std::move(*std::get_if<1>(&state_)); }
  T value_or(T other) && { return has_value() ? std::move(*this).value() : std::move(other); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)
  [[nodiscard]] bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }
  Error& error() & { assert(error_); return *error_; }
  const Error& error() const& { assert(error_); return *error_; }
  Error&& error() && { assert(error_); return std::move(*error_); }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

// Returns from the calling function when `expr` holds an error; else it is dropped. For Status and Result alike.
#define FFRTMP_TRY(expr)                                              \
  do {                                                                \
    auto ffrtmp_try_result = (expr);                                  \
    if (!ffrtmp_try_result) return std::move(ffrtmp_try_result).error(); \
  } while (false)

#define FFRTMP_CONCAT_INNER(a, b) a##b
#define FFRTMP_CONCAT(a, b) FFRTMP_CONCAT_INNER(a, b)
// FFRTMP_ASSIGN(auto x, call()): the value of call(), or return its error.
#define FFRTMP_ASSIGN(decl, expr) FFRTMP_ASSIGN_INNER(FFRTMP_CONCAT(ffrtmp_assign_, __LINE__), decl, expr)
#define FFRTMP_ASSIGN_INNER(tmp, decl, expr)  \
  auto tmp = (expr);                          \
  if (!tmp) return std::move(tmp).error();    \
  decl = std::move(tmp).value()

}  // namespace ffrtmp
