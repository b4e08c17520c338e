#pragma once
// Query strings of the list and log routes, checked. Every error is kInvalidField and names the parameter; an unknown
// parameter is one too: a filter that is silently ignored shows the wrong jobs.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/sla_report.h"
#include "base/result.h"
#include "net/http.h"
#include "store/store.h"

namespace ffrtmp::master {

struct JobQuery {
  store::JobFilter filter;
  std::optional<std::int64_t> before_sequence;
  int limit = 50;  // 1-500
};

struct NodeQuery {
  std::vector<model::NodeStatus> status;      // empty: all
  std::vector<model::NodeType> type;          // empty: all
  std::map<std::string, std::string> labels;  // the node has all of them
  std::optional<Uuid> after;                  // the last node of the page before
  int limit = 50;                             // 1-500
};

struct LogQuery {
  std::optional<Uuid> attempt;  // absent: the last one
  std::int64_t offset = 0;      // < 0: from the end
  std::int64_t limit = 1 << 16;
};

struct SlaQuery {
  std::optional<UtcTime> from;  // inclusive
  std::optional<UtcTime> to;    // exclusive
  api::SlaGrouping by = api::SlaGrouping::kScenario;
};

[[nodiscard]] Result<SlaQuery> read_sla_query(const net::Request& request);
[[nodiscard]] Result<JobQuery> read_job_query(const net::Request& request);
[[nodiscard]] Result<NodeQuery> read_node_query(const net::Request& request);
// For routes without parameters.
[[nodiscard]] Status refuse_query(const net::Request& request);
[[nodiscard]] Result<LogQuery> read_log_query(const net::Request& request, std::int64_t max_limit);
// A whole number parameter in [low, high], or `absent` when it is not there.
[[nodiscard]] Result<std::int64_t> read_query_int(const net::Request& request, std::string_view name, std::int64_t low,
                                                  std::int64_t high, std::int64_t absent);
// Opaque text of a place in a list.
[[nodiscard]] std::string cursor_of(std::int64_t before_sequence);
[[nodiscard]] std::string cursor_of(const Uuid& after_node);

// The page that is asked for, newest node first. A node that registers meanwhile moves none of the others.
struct NodePage {
  std::vector<store::NodeView> nodes;
  std::optional<Uuid> next_after;
};
[[nodiscard]] NodePage page_of(std::vector<store::NodeView> nodes, const NodeQuery& query);

}  // namespace ffrtmp::master
