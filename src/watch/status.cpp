#include "watch/status.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "json/json.h"
#include "net/client.h"
#include "watch/api_view.h"

namespace ffrtmp::watch {
namespace {

constexpr std::chrono::seconds kPatience{5};

Result<std::string> get(const std::string& runtime_dir, const std::string& target) {
  net::ClientOptions options;
  options.base_url = "http://localhost";
  options.unix_path = runtime_dir + "/watch.sock";
  FFRTMP_ASSIGN(const auto client, net::Client::open(std::move(options)));
  net::Request request;
  request.target = target;
  FFRTMP_ASSIGN(net::Response reply, client->send(request, kPatience));
  if (reply.status != 200) return make_error(Errc::kUnavailable, cat(target, ": status ", reply.status));
  return std::move(reply.body);
}

std::string shown_age(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds);
  if (whole >= 86400) return cat(whole / 86400, "d", whole % 86400 / 3600, "h");
  if (whole >= 3600) return cat(whole / 3600, "h", whole % 3600 / 60, "m");
  if (whole >= 60) return cat(whole / 60, "m", whole % 60, "s");
  return cat(whole, "s");
}

std::string shown_limits(const ProcessView& process) {
  std::string text;
  for (const LimitView& limit : process.limits) {
    text += cat(text.empty() ? "" : ", ", limit.limit, " ", limit.value);
    if (limit.status != "applied") text += cat(" (", limit.status, ")");
  }
  return text.empty() ? "-" : text;
}

std::string shown_governance(const ProcessView& process) {
  const std::string state = json::enum_name(process.state);
  const std::string level = process.state == EntryState::kAttached ? json::enum_name(process.governance) : state;
  return process.reason.empty() ? level : cat(level, " (", process.reason, ")");
}

using Row = std::array<std::string, 8>;

std::string aligned(const std::vector<Row>& rows) {
  std::array<std::size_t, std::tuple_size_v<Row>> widths{};
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += cat(row[i], std::string(widths[i] - row[i].size() + 2, ' '));
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string shown_head(const StatusView& status) {
  const DiscoveryView& found = status.discovery;
  std::string text = cat("watch ", status.version, ", pid ", status.pid, ", ", json::enum_name(status.health.state),
                         status.ready ? "" : ", not ready", "\n");
  text +=
      cat("discovery: events ", found.events, found.events_reason.empty() ? "" : cat(" (", found.events_reason, ")"),
          found.realtime ? ", realtime" : "", "; gate ", found.gate,
          found.gate_reason.empty() ? "" : cat(" (", found.gate_reason, ")"), "; scan every ", found.scan_interval,
          ", last took ", format_fixed(found.last_scan_seconds * 1000, 1), " ms\n");
  text += cat("governance: ", json::enum_name(status.cgroup.best),
              status.cgroup.reason.empty() ? "" : cat(" (", status.cgroup.reason, ")"));
  if (status.cgroup.attach_seconds)
    text += cat("; an attach takes ", format_fixed(*status.cgroup.attach_seconds * 1000, 1), " ms here");
  const bool is_cheap = std::any_of(status.cgroup.hierarchies.begin(), status.cgroup.hierarchies.end(),
                                    [](const HierarchyView& hierarchy) { return hierarchy.favordynmods; });
  text += cat("; mounts ", is_cheap ? "favordynmods" : "not favordynmods", "\n");
  text += cat("tracked ", status.tracked, ", attached ", status.attached, ", waiting for a retry ", status.retrying,
              ", dead letters ", status.dead_letters, "\n");
  return text;
}

}  // namespace

Result<std::string> ask_status(const std::string& runtime_dir) {
  FFRTMP_ASSIGN(std::string body, get(runtime_dir, "/v1/whole"));
  return body + "\n";
}

Result<std::string> format_status(const std::string& document) {
  FFRTMP_ASSIGN(const WholeView view, json::decode<WholeView>(document, json::UnknownKeys::kIgnore));
  std::vector<Row> rows{{"PID", "COMMAND", "USER", "AGE", "JOB", "RULE", "GOVERNANCE", "LIMITS"}};
  for (const ProcessView& process : view.processes)
    rows.push_back({cat(process.pid), escape(process.command), escape(process.user), shown_age(process.age_seconds),
                    process.job_id, process.rule, shown_governance(process), shown_limits(process)});
  return shown_head(view.status) + "\n" + aligned(rows);
}

std::optional<pid_t> find_daemon(const std::string& runtime_dir) {
  const auto body = get(runtime_dir, "/v1/status");
  if (!body) return std::nullopt;
  const auto status = json::decode<StatusView>(*body, json::UnknownKeys::kIgnore);
  if (!status) return std::nullopt;
  return static_cast<pid_t>(status->pid);
}

}  // namespace ffrtmp::watch
