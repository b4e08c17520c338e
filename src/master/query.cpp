#include "master/query.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "json/json.h"

namespace ffrtmp::master {
namespace {

constexpr std::string_view kCursorPrefix = "j";

Status check_names(const net::Request& request, std::initializer_list<std::string_view> known) {
  for (const std::string& name : request.query_names())
    if (std::find(known.begin(), known.end(), name) == known.end())
      return field_error(name, "unknown query parameter");
  return {};
}

template <class E>
Status read_enum(const net::Request& request, std::string_view name, std::optional<E>& out) {
  const auto text = request.query(name);
  if (!text || text->empty()) return {};
  auto value = json::parse_enum<E>(*text);
  if (!value) return field_error(std::string(name), value.error().message);
  out = *value;
  return {};
}

Status read_time(const net::Request& request, std::string_view name, std::optional<UtcTime>& out) {
  const auto text = request.query(name);
  if (!text) return {};
  auto time = parse_utc(*text);
  if (!time) return field_error(std::string(name), time.error().message);
  out = *time;
  return {};
}

Status read_states(const net::Request& request, std::vector<model::JobState>& out) {
  const auto text = request.query("status");
  if (!text || text->empty()) return {};
  for (const std::string_view one : split(*text, ',')) {
    auto state = json::parse_enum<model::JobState>(one);
    if (!state) return field_error("status", state.error().message);
    out.push_back(*state);
  }
  return {};
}

Result<std::int64_t> read_cursor(std::string_view text) {
  if (text.substr(0, 1) == kCursorPrefix)
    if (const auto sequence = parse_int(text.substr(1)); sequence && *sequence > 0) return *sequence;
  return field_error("cursor", "not a cursor of this list");
}

}  // namespace

Result<std::int64_t> read_query_int(const net::Request& request, std::string_view name, std::int64_t low,
                                    std::int64_t high, std::int64_t absent) {
  const auto text = request.query(name);
  if (!text) return absent;
  const auto value = parse_int(*text);
  if (!value || *value < low || *value > high)
    return field_error(std::string(name), cat("must be a whole number from ", low, " to ", high));
  return *value;
}

Result<JobQuery> read_job_query(const net::Request& request) {
  FFRTMP_TRY(check_names(request, {"status", "queue", "priority", "engine", "classification", "scenario", "node_id",
                                   "owner", "failure_reason", "created_after", "created_before", "limit", "cursor"}));
  JobQuery query;
  store::JobFilter& filter = query.filter;
  FFRTMP_TRY(read_states(request, filter.status));
  FFRTMP_TRY(read_enum(request, "queue", filter.queue));
  FFRTMP_TRY(read_enum(request, "priority", filter.priority));
  FFRTMP_TRY(read_enum(request, "engine", filter.engine));
  FFRTMP_TRY(read_enum(request, "classification", filter.classification));
  FFRTMP_TRY(read_enum(request, "failure_reason", filter.failure_reason));
  FFRTMP_TRY(read_time(request, "created_after", filter.created_after));
  FFRTMP_TRY(read_time(request, "created_before", filter.created_before));
  filter.scenario = request.query("scenario");
  filter.owner = request.query("owner");
  if (const auto text = request.query("node_id")) {
    auto id = parse_uuid(*text);
    if (!id) return field_error("node_id", id.error().message);
    filter.node_id = *id;
  }
  if (const auto text = request.query("cursor")) {
    FFRTMP_ASSIGN(query.before_sequence, read_cursor(*text));
  }
  FFRTMP_ASSIGN(const std::int64_t limit, read_query_int(request, "limit", 1, 500, 50));
  query.limit = static_cast<int>(limit);
  return query;
}

Result<LogQuery> read_log_query(const net::Request& request, std::int64_t max_limit) {
  FFRTMP_TRY(check_names(request, {"attempt", "offset", "limit", "wait"}));
  LogQuery query;
  if (const auto text = request.query("attempt")) {
    auto id = parse_uuid(*text);
    if (!id) return field_error("attempt", id.error().message);
    query.attempt = *id;
  }
  constexpr std::int64_t kAnyOffset = std::int64_t{1} << 60;
  FFRTMP_ASSIGN(query.offset, read_query_int(request, "offset", -kAnyOffset, kAnyOffset, 0));
  FFRTMP_ASSIGN(query.limit, read_query_int(request, "limit", 1, max_limit, 1 << 16));
  return query;
}

std::string cursor_of(std::int64_t before_sequence) { return cat(kCursorPrefix, before_sequence); }

}  // namespace ffrtmp::master
