#include "watch/api_view.h"

#include <algorithm>

#include "base/text.h"

namespace ffrtmp::watch {
namespace {

using govern::LimitName;

constexpr std::size_t kViolations = 50;

}  // namespace

std::vector<LimitView> limit_views(const govern::Limits& limits, const std::vector<govern::LimitReport>& shortfalls) {
  std::vector<LimitView> views;
  const auto add = [&](LimitName limit, std::string value) {
    LimitView view{std::string(govern::name_of(limit)), std::move(value), "applied", "", ""};
    const auto at = std::find_if(shortfalls.begin(), shortfalls.end(),
                                 [&](const govern::LimitReport& report) { return report.limit == limit; });
    if (at != shortfalls.end()) {
      view.status = govern::name_of(at->status);
      view.observed = at->observed;
      view.detail = at->detail;
    }
    views.push_back(std::move(view));
  };
  if (limits.cpu_quota_percent) add(LimitName::kCpuQuota, cat(*limits.cpu_quota_percent, "%"));
  if (limits.cpu_weight) add(LimitName::kCpuWeight, cat(*limits.cpu_weight));
  if (limits.memory_limit_bytes) add(LimitName::kMemoryLimit, format_bytes(*limits.memory_limit_bytes));
  if (limits.memory_high_bytes) add(LimitName::kMemoryHigh, format_bytes(*limits.memory_high_bytes));
  if (limits.io_weight) add(LimitName::kIoWeight, cat(*limits.io_weight));
  if (limits.io_read_bps) add(LimitName::kIoReadBps, cat(format_bytes(*limits.io_read_bps), "/s"));
  if (limits.io_write_bps) add(LimitName::kIoWriteBps, cat(format_bytes(*limits.io_write_bps), "/s"));
  if (limits.pids_max) add(LimitName::kPidsMax, cat(*limits.pids_max));
  if (limits.nice) add(LimitName::kNice, cat(*limits.nice));
  if (limits.oom_score_adj) add(LimitName::kOomScoreAdj, cat(*limits.oom_score_adj));
  return views;
}

ProcessView process_view(const Entry& entry, bool has_own_rule, BootTime now) {
  ProcessView view;
  view.pid = entry.key.pid;
  view.start_ticks = static_cast<std::int64_t>(entry.key.start_ticks);
  view.command = entry.command;
  if (entry.uid) view.uid = *entry.uid;
  view.user = entry.user;
  view.ppid = entry.ppid;
  view.cwd = entry.cwd;
  view.age_seconds = std::chrono::duration<double>(now - entry.started).count();
  view.job_id = entry.job_id();
  view.rule = has_own_rule ? "commands." + entry.command : "defaults";
  view.state = entry.state;
  view.governance = entry.governance;
  view.reason = entry.reason;
  view.evidence = entry.evidence;
  if (entry.state == EntryState::kAttached || entry.state == EntryState::kContested)
    view.limits = limit_views(entry.governed.limits(), entry.shortfalls);
  for (const govern::Group& group : entry.governed.groups())
    view.groups.push_back(cat(group.hierarchy, ":", group.path));
  view.uncovered_bytes = entry.uncovered_bytes;
  view.discovered_at = entry.discovered_at;
  view.attached_at = entry.attached_at;
  return view;
}

RetryView retry_view(const Entry& entry) {
  return {entry.key.pid, entry.job_id(), entry.command, entry.next_try_at, entry.tries};
}

std::vector<ViolationView> violation_views(const std::deque<JobResult>& results) {
  std::vector<ViolationView> views;
  for (auto at = results.rbegin(); at != results.rend() && views.size() < kViolations; ++at)
    if (!at->platform_sla_compliant)
      views.push_back({at->job_id, at->platform_sla_reason, at->processing_seconds, at->exit_code, at->pid});
  return views;
}

std::vector<HierarchyView> hierarchy_views(const sys::CgroupLayout& layout) {
  std::vector<HierarchyView> views;
  for (const sys::Hierarchy& hierarchy : layout.hierarchies)
    views.push_back({hierarchy.name, hierarchy.version == sys::CgroupVersion::kV2 ? "v2" : "v1", hierarchy.mount_point,
                     hierarchy.favors_moves});
  return views;
}

}  // namespace ffrtmp::watch
