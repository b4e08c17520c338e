#include "up/watch_commands.h"

#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/log.h"
#include "base/text.h"
#include "cli/session.h"
#include "govern/claim.h"
#include "sys/heap.h"
#include "up/watch_text.h"
#include "watch/daemon.h"
#include "watch/explain.h"
#include "watch/gate_process.h"
#include "watch/policy_keys.h"
#include "watch/policy_loader.h"
#include "watch/status.h"
#include "watch/unit_group.h"

namespace ffrtmp::up {
namespace {

using cli::FlagSpec;
using cli::Invocation;
using config::Kind;

const std::vector<FlagSpec> kOwnFlags{
    {"watch-config", Kind::kValue, "YAML file of the policy"},
    {"log-format", Kind::kValue, "text or json", "text"},
    {"log-level", Kind::kValue, "debug, info, warn or error", "info"},
    {"runtime-dir", Kind::kValue, "lock, socket and claims; 0700"},
    {"cgroup-root", Kind::kValue, "group below which jobs' groups are made", "detected"},
    {"proc-root", Kind::kValue, "a process tree instead of the host's"},
    {"cgroup-mount", Kind::kValue, "a hierarchy instead of the mounted ones"},
    {"check-config", Kind::kSwitch, "validate the policy and end"},
    {"dry-run", Kind::kSwitch, "decide and say so, write nothing"},
    {"once", Kind::kSwitch, "one scan and attach; limits stay"},
    {"json", Kind::kSwitch, "one JSON document on stdout"},
    {"event-buffer", Kind::kValue, "bytes of the kernel's event buffer", "8388608", true},
};

std::vector<FlagSpec> all_flags() {
  std::vector<FlagSpec> flags = kOwnFlags;
  govern::Policy policy;
  for (const auto& keys : {watch::daemon_keys(policy), watch::match_keys(policy.defaults.match),
                           watch::limit_keys(policy.defaults.limits)})
    for (const watch::PolicyKey& key : keys)
      if (!key.flag.empty()) flags.push_back({key.flag, key.kind, key.help, key.shown_default});
  return flags;
}

// A value of a flag that is no key of the policy: flag, then variable, then nothing.
std::string value_of(const Invocation& invocation, const std::string& flag) {
  if (invocation.has(flag)) return invocation.value(flag);
  return config::process_environment(watch::variable_of(flag)).value_or("");
}

bool is_on(const Invocation& invocation, const std::string& flag) { return value_of(invocation, flag) == "true"; }

struct Prepared {
  watch::WatchSettings settings;
  std::vector<std::string> errors;
  std::vector<std::string> warnings;
};

// Flags of the command line's own that mean nothing here are faults, too.
Prepared prepare(const Invocation& invocation) {
  Prepared out;
  const std::vector<FlagSpec> flags = all_flags();
  for (const auto& [name, values] : invocation.flags) {
    const auto is_it = [&name = name](const FlagSpec& flag) { return flag.name == name; };
    if (name != "fault" && std::none_of(flags.begin(), flags.end(), is_it))
      out.errors.push_back(cat("--", name, " means nothing to ", invocation.command));
  }
  watch::WatchSettings& settings = out.settings;
  settings.sources = {invocation.flags, config::process_environment, value_of(invocation, "watch-config")};
  watch::LoadedPolicy loaded = watch::load_policy(settings.sources);
  out.errors.insert(out.errors.end(), loaded.errors.begin(), loaded.errors.end());
  out.warnings = std::move(loaded.warnings);
  settings.policy = std::make_shared<const govern::Policy>(std::move(loaded.policy));
  settings.runtime_dir = govern::default_runtime_dir(value_of(invocation, "runtime-dir"));
  settings.cgroup_root = value_of(invocation, "cgroup-root");
  settings.proc_root = value_of(invocation, "proc-root");
  settings.cgroup_mount = value_of(invocation, "cgroup-mount");
  settings.dry_run = is_on(invocation, "dry-run");
  settings.once = is_on(invocation, "once");
  if (invocation.has("event-buffer"))
    settings.event_buffer_bytes = static_cast<int>(parse_int(invocation.value("event-buffer")).value_or(8 << 20));
  const auto level = log::parse_level(invocation.has("log-level") || !value_of(invocation, "log-level").empty()
                                          ? value_of(invocation, "log-level")
                                          : "info");
  const std::string format_text = value_of(invocation, "log-format");
  const auto format = log::parse_format(format_text.empty() ? "text" : format_text);
  if (!level) out.errors.push_back(level.error().message);
  if (!format) out.errors.push_back(format.error().message);
  if (level && format) log::configure("watch", *level, *format, log::Style::kMessageOnly);
  return out;
}

int fail(const std::string& message) {
  log::error(message);
  return 1;
}

int print_status(const Invocation& invocation, const watch::WatchSettings& settings) {
  const auto document = watch::ask_status(settings.runtime_dir);
  if (!document) {
    cli::print_error(cat("no daemon answers: ", document.error().message));
    return 1;
  }
  if (is_on(invocation, "json")) {
    cli::print_out(*document);
    return 0;
  }
  const auto text = format_status(*document);
  if (!text) {
    cli::print_error(text.error().message);
    return 1;
  }
  cli::print_out(*text);
  return 0;
}

int run_watch(const Invocation& invocation) {
  Prepared prepared = prepare(invocation);
  const bool wants_status = !invocation.positionals.empty() && invocation.positionals.front() == "status";
  if (!invocation.positionals.empty() && !wants_status)
    prepared.errors.push_back(cat("unexpected argument \"", escape(invocation.positionals.front()), "\""));
  for (const std::string& error : prepared.errors) cli::print_error(error);
  if (!prepared.errors.empty()) return cli::kUsageExit;
  if (wants_status) return print_status(invocation, prepared.settings);
  for (const std::string& warning : prepared.warnings) log::warn(warning);
  if (is_on(invocation, "check-config")) {
    cli::print_out("OK\n");
    return 0;
  }
  watch::block_signals();
  sys::keep_heap_small();
  const bool is_once = prepared.settings.once;
  auto daemon = watch::Daemon::start(std::move(prepared.settings));
  if (!daemon) return fail(daemon.error().message);
  if (!is_once) return (*daemon)->run();
  std::string decisions;
  const int exit = (*daemon)->run_once(is_on(invocation, "json") ? &decisions : nullptr);
  if (!decisions.empty()) cli::print_out(decisions + "\n");
  return exit;
}

int run_reopen_unit(const Invocation&) {
  const sys::Host host = sys::Host::real();
  const auto layout = sys::read_cgroup_layout(host);
  const auto reopened = layout ? watch::reopen_unit(host, *layout) : Result<bool>(layout.error());
  if (!reopened) return fail(reopened.error().message);
  if (*reopened) log::warn("Limits below this unit are off until its next start: its group takes no process else");
  return 0;
}

int run_explain(const Invocation& invocation) {
  Prepared prepared = prepare(invocation);
  const auto pid = parse_int(invocation.positionals.front());
  if (!pid || *pid <= 0 || *pid > INT32_MAX)
    prepared.errors.push_back(cat("\"", escape(invocation.positionals.front()), "\" is no process id"));
  for (const std::string& error : prepared.errors) cli::print_error(error);
  if (!prepared.errors.empty()) return cli::kUsageExit;
  const auto explained = watch::explain(prepared.settings, static_cast<pid_t>(*pid));
  if (!explained) {
    cli::print_error(explained.error().message);
    return 1;
  }
  cli::print_out(is_on(invocation, "json") ? watch::encode_explanation(*explained) : format_explanation(*explained));
  return 0;
}

}  // namespace

std::vector<cli::Command> watch_commands() {
  return {
      {"watch",
       "find FFmpeg processes of this host and put them under limits",
       {{"status", "ask the running daemon", false}},
       all_flags(),
       false,
       run_watch},
      {"gate",
       "hold executions for watch",
       {},
       {},
       true,
       [](const Invocation&) { return watch::run_gate(sys::Fd(watch::kGateSocket), sys::Fd(watch::kGatePings)); }},
      {"reopen-unit", "let a unit's group take a daemon again", {}, {}, true, run_reopen_unit},
      {"explain", "say why a process is governed, or not", {{"PID", "the process"}}, all_flags(), false, run_explain},
  };
}

}  // namespace ffrtmp::up
