#include "watch/policy_keys.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/text.h"
#include "config/limit_keys.h"

namespace ffrtmp::watch {
namespace {

using config::Kind;
using std::chrono::nanoseconds;
using Texts = std::vector<std::string>;
using Problem = std::optional<std::string>;
using namespace std::chrono_literals;

constexpr nanoseconds kLongest = std::chrono::hours(24 * 365 * 100);
constexpr std::int64_t kMaxUid = 0xFFFFFFFE;  // the last one means "none" to the kernel

PolicyKey value_key(std::string path, std::string flag, std::string help, std::string shown,
                    std::function<Problem(const std::string&)> set) {
  return {std::move(path), std::move(flag),  Kind::kValue,
          std::move(help), std::move(shown), [set = std::move(set)](const Texts& texts) { return set(texts.front()); }};
}

PolicyKey list_key(std::string path, std::string flag, std::string help, std::string shown,
                   std::function<Problem(const Texts&)> set) {
  return {std::move(path), std::move(flag), Kind::kList, std::move(help), std::move(shown), std::move(set)};
}

// A whole number; `take` gets it.
std::function<Problem(const std::string&)> whole(std::int64_t low, std::int64_t high,
                                                 std::function<void(std::int64_t)> take) {
  return [=](const std::string& text) -> Problem {
    const auto number = parse_int(text);
    if (!number) return "must be a whole number";
    if (*number < low || *number > high) return cat("must be from ", low, " to ", high);
    take(*number);
    return std::nullopt;
  };
}

// An interval: above zero and within the range.
std::function<Problem(const std::string&)> interval(nanoseconds low, nanoseconds high, nanoseconds& out) {
  return [=, &out](const std::string& text) -> Problem {
    const auto value = parse_duration(text);
    if (!value) return value.error().message.substr(value.error().message.find(": ") + 2);
    if (*value <= 0ns) return "must be greater than 0";
    if (*value < low || *value > high) return cat("must be from ", format_duration(low), " to ", format_duration(high));
    out = *value;
    return std::nullopt;
  };
}

std::function<Problem(const std::string&)> runtime(nanoseconds& out) {
  return [&out](const std::string& text) -> Problem {
    if (text == "0") return out = 0ns, std::nullopt;  // off needs no unit
    const auto value = parse_duration(text);
    if (!value) return value.error().message.substr(value.error().message.find(": ") + 2);
    if (*value < 0ns) return "must not be negative";
    out = *value;
    return std::nullopt;
  };
}

std::function<Problem(const std::string&)> boolean(bool& out) {
  return [&out](const std::string& text) -> Problem {
    if (text != "true" && text != "false") return "must be true or false";
    out = text == "true";
    return std::nullopt;
  };
}

template <class E>
std::function<Problem(const std::string&)> word(std::vector<std::pair<std::string, E>> words, E& out) {
  return [words = std::move(words), &out](const std::string& text) -> Problem {
    std::string names;
    for (const auto& [name, value] : words) {
      if (name == text) return out = value, std::nullopt;
      names += cat(names.empty() ? "" : ", ", name);
    }
    return cat("must be one of: ", names);
  };
}

std::string no_absolute_path(const std::string& text) { return cat("\"", escape(text), "\" is no absolute path"); }

Problem first_problem(const Texts& texts, const std::function<Problem(const std::string&)>& check) {
  for (const std::string& text : texts)
    if (auto problem = check(text)) return problem;
  return std::nullopt;
}

std::function<Problem(const Texts&)> texts(std::vector<std::string>& out) {
  return [&out](const Texts& values) -> Problem {
    if (auto problem = first_problem(values, [](const std::string& text) -> Problem {
          return text.empty() ? Problem("must not hold an empty text") : std::nullopt;
        }))
      return problem;
    out = values;
    return std::nullopt;
  };
}

std::function<Problem(const Texts&)> uids(std::vector<std::uint32_t>& out) {
  return [&out](const Texts& values) -> Problem {
    std::vector<std::uint32_t> read;
    auto problem = first_problem(
        values, whole(0, kMaxUid, [&read](std::int64_t uid) { read.push_back(static_cast<std::uint32_t>(uid)); }));
    if (!problem) out = std::move(read);
    return problem;
  };
}

// Links are resolved once, here: the kernel tells a process's directory resolved.
std::function<Problem(const Texts&)> directories(std::vector<std::string>& out) {
  return [&out](const Texts& values) -> Problem {
    std::vector<std::string> read;
    for (const std::string& text : values) {
      if (!text.starts_with('/')) return no_absolute_path(text);
      std::error_code error;
      std::string real = std::filesystem::weakly_canonical(text, error).string();
      if (error) real = text;
      while (real.size() > 1 && real.back() == '/') real.pop_back();
      read.push_back(std::move(real));
    }
    out = std::move(read);
    return std::nullopt;
  };
}

// As they are written: a link is followed when it is used, as it may lead elsewhere by then.
std::function<Problem(const Texts&)> absolute_paths(std::vector<std::string>& out) {
  return [&out](const Texts& values) -> Problem {
    auto problem = first_problem(values, [](const std::string& text) -> Problem {
      return text.starts_with('/') ? Problem() : Problem(no_absolute_path(text));
    });
    if (!problem) out = values;
    return problem;
  };
}

std::function<Problem(const Texts&)> commands(std::vector<std::string>& out) {
  return [&out](const Texts& values) -> Problem {
    if (values.empty()) return "must name at least one command";
    for (const std::string& text : values)
      if (text.empty() || text.find('/') != std::string::npos)
        return cat("\"", escape(text), "\" is no file name without directory");
    out = values;
    return std::nullopt;
  };
}

Problem check_listen(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto colon = text.rfind(':');
  const auto port = colon == std::string::npos ? std::nullopt : parse_int(text.substr(colon + 1));
  if (colon == 0 || !port || *port < 0 || *port > 65535) return "must be host:port, or empty";
  return std::nullopt;
}

}  // namespace

std::vector<PolicyKey> limit_keys(govern::Limits& limits) {
  std::vector<PolicyKey> keys;
  for (const config::LimitKey& key : config::limit_keys()) {
    std::string path(key.name);
    std::replace(path.begin(), path.end(), '-', '_');
    keys.push_back(value_key(path, std::string(key.name), std::string(key.help), key.none ? "0" : "leave",
                             [&key, &limits](const std::string& text) -> Problem {
                               if (!key.none && text == "leave") return key.set(limits, std::nullopt), std::nullopt;
                               const Status set = config::set_limit(key, text, limits);
                               return set ? Problem() : set.error().message;
                             }));
  }
  return keys;
}

std::vector<PolicyKey> filter_keys(govern::Filters& f) {
  return {
      list_key("allowed_users", "", "", "", texts(f.allowed_users)),
      list_key("blocked_users", "", "", "", texts(f.blocked_users)),
      list_key("allowed_uids", "", "", "", uids(f.allowed_uids)),
      list_key("blocked_uids", "", "", "", uids(f.blocked_uids)),
      list_key("allowed_parents", "", "", "", texts(f.allowed_parents)),
      list_key("blocked_parents", "", "", "", texts(f.blocked_parents)),
      value_key("min_runtime", "", "", "", runtime(f.min_runtime)),
      value_key("max_runtime", "", "", "", runtime(f.max_runtime)),
      list_key("allowed_dirs", "", "", "", directories(f.allowed_dirs)),
      list_key("blocked_dirs", "", "", "", directories(f.blocked_dirs)),
  };
}

std::vector<PolicyKey> match_keys(govern::MatchMode& match) {
  using govern::MatchMode;
  return {value_key(
      "match", "match", "which name makes a target: any, exe or argv0", "any",
      word<MatchMode>({{"any", MatchMode::kAny}, {"exe", MatchMode::kExe}, {"argv0", MatchMode::kArgv0}}, match))};
}

std::vector<PolicyKey> daemon_keys(govern::Policy& p) {
  using govern::EventMode;
  using govern::LateMemory;
  using govern::OnStop;
  using govern::Placement;
  PolicyKey strict =
      value_key("strict", "strict", "a limit that does not hold undoes the attach", "false", boolean(p.strict));
  PolicyKey children = value_key("children", "children", "govern descendants too", "false", boolean(p.children));
  PolicyKey state =
      value_key("state.enabled", "enable-state", "keep state in a file", "false", boolean(p.state.enabled));
  PolicyKey fsync =
      value_key("state.fsync", "state-fsync", "flush it to the disk each time", "false", boolean(p.state.fsync));
  PolicyKey retry =
      value_key("retry.enabled", "enable-retry", "try failed attaches again", "false", boolean(p.retry.enabled));
  for (PolicyKey* key : {&strict, &children, &state, &fsync, &retry}) key->kind = Kind::kSwitch;
  return {
      value_key("scan_interval", "scan-interval", "time between two scans", "10s",
                interval(100ms, 24h, p.scan_interval)),
      list_key("target_commands", "target", "commands to govern", "ffmpeg, gst-launch-1.0",
               commands(p.target_commands)),
      value_key("placement", "placement", "where groups are made: nested in the process's own, or root", "nested",
                word<Placement>({{"nested", Placement::kNested}, {"root", Placement::kRoot}}, p.placement)),
      strict,
      children,
      value_key("late_memory", "late-memory",
                "a memory limit below what a process holds: observe, high, credit or refuse", "observe",
                word<LateMemory>({{"observe", LateMemory::kObserve},
                                  {"high", LateMemory::kHigh},
                                  {"credit", LateMemory::kCredit},
                                  {"refuse", LateMemory::kRefuse}},
                                 p.late_memory)),
      value_key("reconcile_interval", "reconcile-interval", "time between two looks at what is governed", "30s",
                interval(100ms, 24h, p.reconcile_interval)),
      value_key("on_stop", "on-stop", "what a stop does to limits: restore or keep", "restore",
                word<OnStop>({{"restore", OnStop::kRestore}, {"keep", OnStop::kKeep}}, p.on_stop)),
      value_key("discovery.events", "events", "events of the kernel: auto, on, off or gate", "auto",
                word<EventMode>({{"auto", EventMode::kAuto},
                                 {"on", EventMode::kOn},
                                 {"off", EventMode::kOff},
                                 {"gate", EventMode::kGate}},
                                p.events)),
      value_key("discovery.gate_budget", "gate-budget", "longest time that the gate holds an exec", "50ms",
                interval(1ms, 1s, p.gate_budget)),
      list_key("discovery.gate_paths", "gate-paths",
               "executables that the gate marks; the targets on PATH when not given", "", absolute_paths(p.gate_paths)),
      state,
      fsync,
      value_key("state.path", "state-path", "the state file", p.state.path,
                [&p](const std::string& text) -> Problem {
                  if (text.empty()) return "must not be empty";
                  p.state.path = text;
                  return std::nullopt;
                }),
      value_key("state.flush_interval", "state-flush-interval", "longest age of what is not yet in the state file",
                "30s", interval(1ms, kLongest, p.state.flush_interval)),
      retry,
      value_key("retry.max_attempts", "max-retry-attempts", "tries after the first", "3",
                whole(1, 20, [&p](std::int64_t n) { p.retry.max_attempts = static_cast<int>(n); })),
      value_key("retry.initial_backoff", "", "", "1s", interval(1ms, kLongest, p.retry.initial_backoff)),
      value_key("retry.max_backoff", "", "", "5m", interval(1ms, kLongest, p.retry.max_backoff)),
      value_key("retry.multiplier", "", "", "2",
                [&p](const std::string& text) -> Problem {
                  const auto number = parse_number(text);
                  if (!number || *number < 1 || *number > 10) return "must be a number from 1 to 10";
                  p.retry.multiplier = *number;
                  return std::nullopt;
                }),
      value_key("health.max_scan_failures", "", "", "5",
                whole(1, INT32_MAX, [&p](std::int64_t n) { p.health.max_scan_failures = static_cast<int>(n); })),
      value_key("health.max_attach_failures", "", "", "10",
                whole(1, INT32_MAX, [&p](std::int64_t n) { p.health.max_attach_failures = static_cast<int>(n); })),
      value_key("health.max_scan_age", "", "", "max(2m, 3 x scan_interval)",
                interval(1ms, kLongest, p.health.max_scan_age)),
      value_key("metrics.listen", "metrics-listen", "host:port of /metrics, /healthz and the API; empty: none",
                p.metrics_listen,
                [&p](const std::string& text) -> Problem {
                  if (auto problem = check_listen(text)) return problem;
                  p.metrics_listen = text;
                  return std::nullopt;
                }),
  };
}

}  // namespace ffrtmp::watch
