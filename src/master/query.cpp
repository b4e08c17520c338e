#include "master/query.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "json/json.h"

namespace ffrtmp::master {
namespace {

constexpr std::string_view kCursorPrefix = "j";
constexpr std::string_view kNodeCursorPrefix = "n";

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

// Several behind commas.
template <class E>
Status read_enums(const net::Request& request, std::string_view name, std::vector<E>& out) {
  const auto text = request.query(name);
  if (!text || text->empty()) return {};
  for (const std::string_view one : split(*text, ',')) {
    auto value = json::parse_enum<E>(one);
    if (!value) return field_error(std::string(name), value.error().message);
    out.push_back(*value);
  }
  return {};
}

Status read_labels(const net::Request& request, std::map<std::string, std::string>& out) {
  const auto text = request.query("label");
  if (!text || text->empty()) return {};
  for (const std::string_view one : split(*text, ',')) {
    const std::size_t equals = one.find('=');
    if (equals == std::string_view::npos || equals == 0)
      return field_error("label", cat("\"", escape(one), "\" is not key=value"));
    out[std::string(one.substr(0, equals))] = one.substr(equals + 1);
  }
  return {};
}

template <class T>
bool holds(const std::vector<T>& wanted, T value) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

bool is_wanted(const store::NodeView& view, const NodeQuery& query) {
  const model::NodeFacts& facts = view.node.facts;
  return holds(query.status, view.status) && holds(query.type, facts.type) &&
         std::all_of(query.labels.begin(), query.labels.end(), [&](const auto& label) {
           const auto found = facts.labels.find(label.first);
           return found != facts.labels.end() && found->second == label.second;
         });
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
  FFRTMP_TRY(read_enums(request, "status", filter.status));
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

Result<NodeQuery> read_node_query(const net::Request& request) {
  FFRTMP_TRY(check_names(request, {"status", "type", "label", "limit", "cursor"}));
  NodeQuery query;
  FFRTMP_TRY(read_enums(request, "status", query.status));
  FFRTMP_TRY(read_enums(request, "type", query.type));
  FFRTMP_TRY(read_labels(request, query.labels));
  if (const auto text = request.query("cursor")) {
    auto after = parse_uuid(text->substr(std::min(text->size(), kNodeCursorPrefix.size())));
    if (!after || !text->starts_with(kNodeCursorPrefix)) return field_error("cursor", "not a cursor of this list");
    query.after = *after;
  }
  FFRTMP_ASSIGN(const std::int64_t limit, read_query_int(request, "limit", 1, 500, 50));
  query.limit = static_cast<int>(limit);
  return query;
}

Result<SlaQuery> read_sla_query(const net::Request& request) {
  FFRTMP_TRY(check_names(request, {"from", "to", "by"}));
  SlaQuery query;
  FFRTMP_TRY(read_time(request, "from", query.from));
  FFRTMP_TRY(read_time(request, "to", query.to));
  std::optional<api::SlaGrouping> by;
  FFRTMP_TRY(read_enum(request, "by", by));
  if (by) query.by = *by;
  if (query.from && query.to && *query.from >= *query.to) return field_error("to", "must be after from");
  return query;
}

Status refuse_query(const net::Request& request) { return check_names(request, {}); }

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

std::string cursor_of(const Uuid& after_node) { return cat(kNodeCursorPrefix, after_node.str()); }

NodePage page_of(std::vector<store::NodeView> nodes, const NodeQuery& query) {
  // Ids of nodes begin with the time of their registration, and stay: the order of a list and the place of its cursor.
  std::sort(nodes.begin(), nodes.end(), [](const auto& a, const auto& b) { return a.node.id > b.node.id; });
  NodePage page;
  for (store::NodeView& view : nodes) {
    if ((query.after && view.node.id >= *query.after) || !is_wanted(view, query)) continue;
    if (page.nodes.size() == static_cast<std::size_t>(query.limit)) {
      page.next_after = page.nodes.back().node.id;
      break;
    }
    page.nodes.push_back(std::move(view));
  }
  return page;
}

}  // namespace ffrtmp::master
