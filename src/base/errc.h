#pragma once
// The one list of failures that ffrtmp tells apart, and the only map from them to a wire name, an HTTP
// status, a process exit code and a metric label. Sources: the error tables of docs/architecture/flow.md.
#include <cstdint>
#include <string_view>

namespace ffrtmp {

enum class Errc : std::uint8_t {
  kInvalid,             // malformed request or argument; HTTP 400
  kUnauthorized,        // no or wrong credential; 401
  kForbidden,           // known, but not allowed; 403
  kNotFound,            // 404
  kMethodNotAllowed,    // 405
  kIllegalTransition,   // the job's state does not allow it; 409
  kStaleAttempt,        // the attempt is not the current one any more; 409
  kResultConflict,      // another result was stored for this attempt; 409
  kLogGap,              // a log chunk does not join the stored stream; 409
  kIdempotencyConflict, // same key, other body; 409
  kNodeBusy,            // the node has live attempts; 409
  kSuperseded,          // a newer instance runs under this node's identity; 409
  kTooLarge,            // 413
  kInvalidField,        // a field is unknown or out of range, named in Error::field; 422
  kTooManyRequests,     // 429
  kInternal,            // a fault of ours; 500
  kStoreUnavailable,    // the store cannot read or write; 503
  kUnavailable,         // peer refused, reset or went away; retry later; 503
  kTimeout,             // a deadline passed before the peer answered; 504
  kGone,                // a process or cgroup vanished: an ordinary answer, produced in sys
  kUnsupported,         // the kernel or a tool lacks the feature: an ordinary answer, produced in sys
  kDenied,              // EPERM, EACCES
  kIo,                  // any other system call failure; Error::sys holds errno
  kCorrupt,             // text that cannot be parsed; the message names file, line, item
};

// Name on the wire and in metric labels, as "illegal_transition".
[[nodiscard]] std::string_view wire_name(Errc code);
// Inverse of wire_name; kInternal for a name nobody knows.
[[nodiscard]] Errc errc_from_wire(std::string_view name);
// HTTP status of an API error reply.
[[nodiscard]] int http_status(Errc code);
// Exit code of a command: 1 failure, 2 usage, 3 not found.
[[nodiscard]] int exit_code(Errc code);

}  // namespace ffrtmp
