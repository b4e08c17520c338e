#include "config/launch_settings.h"

#include "base/text.h"
#include "config/limit_keys.h"

namespace ffrtmp::config {
namespace {

using model::Limits;

// The kernel's own bounds of a bandwidth period; https://docs.kernel.org/scheduler/sched-bwc.html
constexpr std::int64_t kShortestPeriodUs = 1'000;
constexpr std::int64_t kLongestPeriodUs = 1'000'000;

Error expected(std::string_view what) { return make_error(Errc::kInvalid, cat("must be ", what)); }

void add_govern(Table& table, GovernSettings& s) {
  add_limits(table, s.limits);
  table.parsed("job-id", "name of the job and of its group", [&s](const std::string& text) -> Status {
    if (text.empty()) return make_error(Errc::kInvalid, "must not be empty");
    s.job_id = text;
    return {};
  });
  table.flag("strict", s.strict, "every limit, or none and exit 1");
  table.choice("placement", s.placement, {"nested", "root"}, "group below the process's own, or below the root base");
  table.text("runtime-dir", s.runtime_dir, "directory of claims and of watch's socket");
  table.text("cgroup-root", s.cgroup_root, "group below which groups are made that are not nested");
  table.flag("json", s.json, "one JSON document on stdout, all else on stderr");
}

void add_raw_limits(Table& table, Limits& limits) {
  table.parsed("cpu-max", "\"QUOTA PERIOD\" in microseconds, instead of --cpu-quota",
               [&limits](const std::string& text) -> Status {
                 FFRTMP_ASSIGN(limits.cpu_max, parse_cpu_max(text));
                 return {};
               });
  table.parsed("memory-max", "bytes, instead of --memory-limit", [&limits](const std::string& text) -> Status {
    const auto bytes = parse_int(text);
    if (!bytes || *bytes <= 0) return expected("a number of bytes");
    if (limits.memory_limit_bytes)
      return make_error(Errc::kInvalid, "and --memory-limit mean the same file: give one of them");
    limits.memory_limit_bytes = *bytes;
    return {};
  });
  table.parsed("io-max", "\"MAJ:MIN rbps=N wbps=N riops=N wiops=N\", instead of --io-read-bps and --io-write-bps",
               [&limits](const std::string& text) -> Status {
                 FFRTMP_ASSIGN(model::DeviceLimit line, model::parse_io_max(text));
                 limits.io_max.push_back(std::move(line));
                 return {};
               });
}

}  // namespace

Result<std::optional<model::CpuMax>> parse_cpu_max(std::string_view text) {
  const auto words = split(trim(text), ' ');
  if (words.empty() || words.size() > 2) return expected("\"QUOTA PERIOD\"");
  const auto period = words.size() == 2 ? parse_int(words[1]) : 100'000;
  if (!period || *period < kShortestPeriodUs || *period > kLongestPeriodUs)
    return expected("\"QUOTA PERIOD\" with a period from 1000 to 1000000 microseconds");
  if (words[0] == "max") return std::optional<model::CpuMax>();
  const auto quota = parse_int(words[0]);
  if (!quota || *quota < kShortestPeriodUs)
    return expected("\"QUOTA PERIOD\" with a quota of at least 1000 microseconds");
  return std::optional(model::CpuMax{*quota, *period});
}

void add_limits(Table& table, Limits& limits) {
  for (const LimitKey& key : limit_keys())
    table.parsed(key.name, key.help, [&key, &limits](const std::string& text) { return set_limit(key, text, limits); });
  table.optional_integer("memory-swap-limit", limits.memory_swap_bytes, 0, kMaxMib, std::nullopt, kMib,
                         "swap, in MiB; 0: none");
}

Table run_table(RunSettings& s) {
  Table table;
  add_govern(table, s.govern);
  add_raw_limits(table, s.govern.limits);
  table.flag("sla-eligible", s.sla_eligible, "counts in the platform's SLA");
  table.choice("intent", s.intent, {"production", "test", "experiment", "soak"}, "what the job is for");
  table.text("workdir", s.workdir, "directory to start it in");
  table.flag("stdin", s.take_stdin, "hand on stdin; else it reads /dev/null");
  table.flag("kill-on-exit", s.kill_on_exit, "end the workload with this command, instead of leaving it running");
  table.duration("kill-grace", s.kill_grace, std::chrono::milliseconds(0),
                 "from SIGTERM to the end of its whole group");
  return table;
}

Table attach_table(AttachSettings& s) {
  Table table;
  table.integer("pid", s.pid, 1, static_cast<int>(kMaxPids), "process to govern");
  add_govern(table, s.govern);
  table.flag("children", s.children, "its descendants too");
  table.choice("late-memory", s.late_memory, {"observe", "high", "credit", "refuse"},
               "what becomes of a memory limit below what it already holds");
  table.choice("on-stop", s.on_stop, {"restore", "keep"}, "what becomes of the limits when this command ends");
  table.duration("reconcile-interval", s.reconcile_interval, std::chrono::milliseconds(1),
                 "how often the limits are compared and written again");
  return table;
}

std::vector<Error> check_limits(const Limits& limits) {
  std::vector<Error> errors;
  const auto refuse = [&](std::string why) { errors.push_back(make_error(Errc::kInvalid, std::move(why))); };
  if (limits.cpu_max && limits.cpu_quota_percent)
    refuse("--cpu-max and --cpu-quota mean the same file: give one of them");
  if (!limits.io_max.empty() && (limits.io_read_bps || limits.io_write_bps))
    refuse("--io-max and --io-read-bps or --io-write-bps mean the same file: give one of them");
  if (limits.memory_high_bytes && limits.memory_limit_bytes && *limits.memory_high_bytes > *limits.memory_limit_bytes)
    refuse("--memory-high must not be above --memory-limit");
  return errors;
}

}  // namespace ffrtmp::config
