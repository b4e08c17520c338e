#include "up/watch_text.h"

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "cli/table_text.h"
#include "json/json.h"
#include "watch/api_view.h"

namespace ffrtmp::up {
namespace {

std::string shown_age(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds);
  if (whole >= 86400) return cat(whole / 86400, "d", whole % 86400 / 3600, "h");
  if (whole >= 3600) return cat(whole / 3600, "h", whole % 3600 / 60, "m");
  if (whole >= 60) return cat(whole / 60, "m", whole % 60, "s");
  return cat(whole, "s");
}

std::string shown_limits(const watch::ProcessView& process) {
  std::string text;
  for (const watch::LimitView& limit : process.limits) {
    text += cat(text.empty() ? "" : ", ", limit.limit, " ", limit.value);
    if (limit.status != "applied") text += cat(" (", limit.status, ")");
  }
  return text.empty() ? "-" : text;
}

std::string shown_governance(const watch::ProcessView& process) {
  const std::string state = json::enum_name(process.state);
  const std::string level = process.state == watch::EntryState::kAttached ? json::enum_name(process.governance) : state;
  return process.reason.empty() ? level : cat(level, " (", process.reason, ")");
}

std::string shown_head(const watch::StatusView& status) {
  const watch::DiscoveryView& found = status.discovery;
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
                                    [](const watch::HierarchyView& hierarchy) { return hierarchy.favordynmods; });
  text += cat("; mounts ", is_cheap ? "favordynmods" : "not favordynmods", "\n");
  text += cat("tracked ", status.tracked, ", attached ", status.attached, ", waiting for a retry ", status.retrying,
              ", dead letters ", status.dead_letters, "\n");
  return text;
}

}  // namespace

Result<std::string> format_status(const std::string& document) {
  FFRTMP_ASSIGN(const watch::WholeView view, json::decode<watch::WholeView>(document, json::UnknownKeys::kIgnore));
  std::vector<std::vector<std::string>> rows;
  for (const watch::ProcessView& process : view.processes)
    rows.push_back({cat(process.pid), escape(process.command), escape(process.user), shown_age(process.age_seconds),
                    process.job_id, process.rule, shown_governance(process), shown_limits(process)});
  return shown_head(view.status) + "\n" +
         cli::format_table({"PID", "COMMAND", "USER", "AGE", "JOB", "RULE", "GOVERNANCE", "LIMITS"}, rows);
}

std::string format_explanation(const watch::Explanation& explanation) {
  std::vector<std::vector<std::string>> rows;
  for (const watch::Test& test : explanation.tests)
    rows.push_back(
        {json::enum_name(test.outcome), test.test, escape(test.observed), escape(test.rule), test.provenance});
  return cat("PID ", explanation.pid, ": ", json::enum_name(explanation.verdict), "\n") +
         cli::format_table({"RESULT", "TEST", "OBSERVED", "RULE", "WRITTEN IN"}, rows);
}

}  // namespace ffrtmp::up
