#include "base/errc.h"

#include <array>

namespace ffrtmp {
namespace {

struct Row {
  Errc code;
  std::string_view name;
  int http;
  int exit;
};

constexpr std::array kRows{
    Row{Errc::kInvalid, "bad_request", 400, 2},
    Row{Errc::kUnauthorized, "unauthorized", 401, 1},
    Row{Errc::kForbidden, "forbidden", 403, 1},
    Row{Errc::kNotFound, "not_found", 404, 3},
    Row{Errc::kMethodNotAllowed, "method_not_allowed", 405, 1},
    Row{Errc::kIllegalTransition, "illegal_transition", 409, 1},
    Row{Errc::kStaleAttempt, "stale_attempt", 409, 1},
    Row{Errc::kResultConflict, "result_conflict", 409, 1},
    Row{Errc::kLogGap, "log_gap", 409, 1},
    Row{Errc::kIdempotencyConflict, "idempotency_conflict", 409, 1},
    Row{Errc::kNodeBusy, "node_busy", 409, 1},
    Row{Errc::kSuperseded, "superseded", 409, 1},
    Row{Errc::kTooLarge, "payload_too_large", 413, 1},
    Row{Errc::kInvalidField, "invalid_field", 422, 2},
    Row{Errc::kTooManyRequests, "too_many_requests", 429, 1},
    Row{Errc::kInternal, "internal_server_error", 500, 1},
    Row{Errc::kStoreUnavailable, "store_unavailable", 503, 1},
    Row{Errc::kUnavailable, "service_unavailable", 503, 1},
    Row{Errc::kTimeout, "gateway_timeout", 504, 1},
    Row{Errc::kGone, "gone", 500, 1},
    Row{Errc::kUnsupported, "unsupported", 500, 1},
    Row{Errc::kDenied, "denied", 500, 1},
    Row{Errc::kIo, "io", 500, 1},
    Row{Errc::kCorrupt, "corrupt", 500, 1},
};

constexpr bool rows_follow_the_enum() {
  for (std::size_t i = 0; i < kRows.size(); ++i)
    if (static_cast<std::size_t>(kRows[i].code) != i) return false;
  return true;
}
static_assert(rows_follow_the_enum());

const Row& row(Errc code) { return kRows[static_cast<std::size_t>(code)]; }

}  // namespace

std::string_view wire_name(Errc code) { return row(code).name; }

Errc errc_from_wire(std::string_view name) {
  for (const Row& r : kRows)
    if (r.name == name) return r.code;
  return Errc::kInternal;
}

int http_status(Errc code) { return row(code).http; }

int exit_code(Errc code) { return row(code).exit; }

}  // namespace ffrtmp
