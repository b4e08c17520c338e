#include "base/errc.h"

#include <gtest/gtest.h>

namespace ffrtmp {
namespace {

// The names, statuses and exit codes that the API and the CLI promise: contract sections 1 and 6.
TEST(Errc, MapsToNameStatusAndExitCode) {
  struct Row {
    Errc code;
    const char* name;
    int http;
    int exit;
  };
  const Row rows[] = {
      {Errc::kInvalid, "bad_request", 400, 2},
      {Errc::kUnauthorized, "unauthorized", 401, 1},
      {Errc::kForbidden, "forbidden", 403, 1},
      {Errc::kNotFound, "not_found", 404, 3},
      {Errc::kMethodNotAllowed, "method_not_allowed", 405, 1},
      {Errc::kIllegalTransition, "illegal_transition", 409, 1},
      {Errc::kStaleAttempt, "stale_attempt", 409, 1},
      {Errc::kResultConflict, "result_conflict", 409, 1},
      {Errc::kLogGap, "log_gap", 409, 1},
      {Errc::kIdempotencyConflict, "idempotency_conflict", 409, 1},
      {Errc::kNodeBusy, "node_busy", 409, 1},
      {Errc::kSuperseded, "superseded", 409, 1},
      {Errc::kTooLarge, "payload_too_large", 413, 1},
      {Errc::kInvalidField, "invalid_field", 422, 2},
      {Errc::kTooManyRequests, "too_many_requests", 429, 1},
      {Errc::kInternal, "internal_server_error", 500, 1},
      {Errc::kStoreUnavailable, "store_unavailable", 503, 1},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(wire_name(row.code), row.name);
    EXPECT_EQ(http_status(row.code), row.http) << row.name;
    EXPECT_EQ(exit_code(row.code), row.exit) << row.name;
  }
}

TEST(Errc, EveryNameLeadsBackToItsCode) {
  for (int i = 0; i <= static_cast<int>(Errc::kCorrupt); ++i) {
    const auto code = static_cast<Errc>(i);
    EXPECT_EQ(errc_from_wire(wire_name(code)), code) << wire_name(code);
  }
  EXPECT_EQ(errc_from_wire("never_heard_of"), Errc::kInternal);
  EXPECT_EQ(errc_from_wire(""), Errc::kInternal);
}

}  // namespace
}  // namespace ffrtmp
