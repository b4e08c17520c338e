#include "watch/policy_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/temp_dir.h"

namespace ffrtmp::watch {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PolicyLoader : public ::testing::Test {
 protected:
  LoadedPolicy load(const std::string& yaml, config::Flags flags = {},
                    std::map<std::string, std::string> variables = {}) {
    test::write_file(file_, yaml);
    return load_policy({std::move(flags),
                        [variables](const std::string& name) -> std::optional<std::string> {
                          const auto at = variables.find(name);
                          if (at == variables.end()) return std::nullopt;
                          return at->second;
                        },
                        file_});
  }
  test::TempDir dir_;
  const std::string file_ = dir_ / "w.yaml";
};

TEST_F(PolicyLoader, AnEmptyFileIsTheDefaults) {
  const LoadedPolicy loaded = load("");
  EXPECT_THAT(loaded.errors, IsEmpty());
  EXPECT_EQ(loaded.policy.scan_interval, 10s);
  EXPECT_EQ(loaded.policy.health.max_scan_age, 2min);
  EXPECT_EQ(loaded.policy.defaults.limits, govern::Limits{});
  EXPECT_EQ(loaded.policy.place_of("scan_interval"), "default");
  EXPECT_EQ(load("scan_interval: 1m\n").policy.health.max_scan_age, 3min);
}

TEST_F(PolicyLoader, WholeSchema) {
  std::filesystem::create_directories(dir_ / "real");
  std::filesystem::create_directory_symlink(dir_ / "real", dir_ / "link");
  const LoadedPolicy loaded = load(R"(
scan_interval: 1d
reconcile_interval: 1h30m
target_commands: [ffmpeg, "ffprobe"]
match: exe
placement: root
strict: true
children: true
late_memory: credit
on_stop: keep
default_limits:
  cpu_quota: 150
  cpu_weight: 200
  io_weight: 0
  memory_limit: 512
  memory_high: 400
  io_read_bps: 1000000
  io_write_bps: 0
  pids_max: 64
  nice: 5
  oom_score_adj: -10
filters:
  allowed_users: [media]
  blocked_uids: [0, 4294967294]
  allowed_parents: [bash, 17]
  min_runtime: 1500ms
  blocked_dirs: [)" + (dir_ / "link/x") +
                                   R"(/, /none/at/all]
commands:
  ffprobe:
    match: argv0
    limits: {cpu_quota: 300, memory_high: 0, memory_limit: 0, nice: leave}
    filters: {min_runtime: 0, allowed_users: []}
state: {enabled: true, fsync: true, path: /x/y.json, flush_interval: 5s}
retry: {enabled: true, max_attempts: 20, initial_backoff: 2s, max_backoff: 3s, multiplier: 1.5}
health: {max_scan_failures: 1, max_attach_failures: 2, max_scan_age: 2d}
discovery: {events: "off", gate_budget: 20ms, gate_paths: [/usr/bin/ffmpeg]}
metrics: {listen: ""}
)");
  EXPECT_THAT(loaded.errors, IsEmpty());
  EXPECT_THAT(loaded.warnings, IsEmpty());
  const govern::Policy& p = loaded.policy;
  EXPECT_EQ(p.scan_interval, 24h);
  EXPECT_EQ(p.reconcile_interval, 90min);
  EXPECT_THAT(p.target_commands, ElementsAre("ffmpeg", "ffprobe"));
  EXPECT_EQ(p.placement, govern::Placement::kRoot);
  EXPECT_TRUE(p.strict && p.children);
  EXPECT_EQ(p.late_memory, govern::LateMemory::kCredit);
  EXPECT_EQ(p.on_stop, govern::OnStop::kKeep);
  EXPECT_EQ(p.defaults.match, govern::MatchMode::kExe);
  const auto& l = p.defaults.limits;
  EXPECT_EQ(l.cpu_quota_percent, 150);
  EXPECT_EQ(l.cpu_weight, 200);
  EXPECT_EQ(l.io_weight, std::nullopt);
  EXPECT_EQ(l.memory_limit_bytes, 512LL << 20);
  EXPECT_EQ(l.memory_high_bytes, 400LL << 20);
  EXPECT_EQ(l.io_read_bps, 1'000'000);
  EXPECT_EQ(l.io_write_bps, std::nullopt);
  EXPECT_EQ(l.pids_max, 64);
  EXPECT_EQ(l.nice, 5);
  EXPECT_EQ(l.oom_score_adj, -10);
  const auto& f = p.defaults.filters;
  EXPECT_THAT(f.allowed_users, ElementsAre("media"));
  EXPECT_THAT(f.blocked_uids, ElementsAre(0u, 4294967294u));
  EXPECT_THAT(f.allowed_parents, ElementsAre("bash", "17"));
  EXPECT_EQ(f.min_runtime, 1500ms);
  EXPECT_THAT(f.blocked_dirs, ElementsAre(dir_ / "real/x", "/none/at/all"));
  const govern::Rule& probe = p.rule_for("ffprobe");
  EXPECT_EQ(probe.match, govern::MatchMode::kArgv0);
  EXPECT_EQ(probe.limits.cpu_quota_percent, 300);
  EXPECT_EQ(probe.limits.memory_limit_bytes, std::nullopt);
  EXPECT_EQ(probe.limits.nice, std::nullopt);
  EXPECT_EQ(probe.limits.pids_max, 64) << "what it does not say it inherits";
  EXPECT_EQ(probe.filters.min_runtime, 0s);
  EXPECT_THAT(probe.filters.allowed_users, IsEmpty());
  EXPECT_THAT(probe.filters.blocked_uids, ElementsAre(0u, 4294967294u));
  EXPECT_EQ(p.retry.multiplier, 1.5);
  EXPECT_EQ(p.metrics_listen, "");
  EXPECT_EQ(p.events, govern::EventMode::kOff);
}

// contract: G22
TEST_F(PolicyLoader, ACommandsZeroClearsTheGlobalValue) {
  const auto policy = load(
                          "default_limits: {cpu_quota: 100}\nfilters: {min_runtime: 60s}\n"
                          "commands: {ffmpeg: {filters: {min_runtime: 0s}, limits: {cpu_quota: 300}}}\n")
                          .policy;
  EXPECT_EQ(policy.rule_for("ffmpeg").filters.min_runtime, 0s);
  EXPECT_EQ(policy.rule_for("ffmpeg").limits.cpu_quota_percent, 300);
  EXPECT_EQ(policy.rule_for("gst-launch-1.0").filters.min_runtime, 60s);
}

// contract: G4
TEST_F(PolicyLoader, FourFaultsAtOnceEachAtItsPlace) {
  const LoadedPolicy loaded = load(
      "scan_interval: 0s\n"
      "filters:\n"
      "  blocked_dir: [/data]\n"
      "default_limits:\n"
      "  cpu_quota: many\n"
      "  cpu_quota: 5\n");
  EXPECT_THAT(
      loaded.errors,
      ElementsAre(file_ + ":1:16: scan_interval: invalid scan_interval: \"0s\": must be greater than 0",
                  file_ + ":3:3: filters.blocked_dir: unknown key, did you mean \"blocked_dirs\"?",
                  file_ + ":5:14: default_limits.cpu_quota: invalid default_limits.cpu_quota: \"many\": must be a "
                          "whole number from 0 to 100000",
                  file_ + ":6:3: default_limits.cpu_quota: stands twice"));
}

TEST_F(PolicyLoader, FaultsOfCommands) {
  const LoadedPolicy loaded = load(
      "commands:\n"
      "  ffmpeg:\n"
      "    limit: {}\n"
      "    limits: {cpu_quotta: 1, memory_limit: 10, memory_high: 20}\n"
      "    filters: {blocked_uids: [-1], blocked_dirs: [data], min_runtime: 5m, max_runtime: 1m}\n"
      "  other: {match: nothing}\n"
      "command: {}\n");
  EXPECT_THAT(
      loaded.errors,
      ElementsAre(HasSubstr(":7:1: command: unknown key, did you mean \"commands\"?"),
                  HasSubstr(":3:5: commands.ffmpeg.limit: unknown key, did you mean \"limits\"?"),
                  HasSubstr(":4:14: commands.ffmpeg.limits.cpu_quotta: unknown key, did you mean \"cpu_quota\"?"),
                  HasSubstr(":5:29: commands.ffmpeg.filters.blocked_uids: must be from 0 to 4294967294"),
                  HasSubstr(":5:49: commands.ffmpeg.filters.blocked_dirs: \"data\" is no absolute path"),
                  HasSubstr(":6:18: commands.other.match: invalid commands.other.match: \"nothing\": must be one of"),
                  HasSubstr(":4: commands.ffmpeg.limits.memory_high: must be at most memory_limit (10)"),
                  HasSubstr(":5: commands.ffmpeg.filters.min_runtime: must be at most max_runtime (1m)")));
  EXPECT_THAT(loaded.warnings, ElementsAre(file_ + ":6:3: commands.other: is not in target_commands"));
}

TEST_F(PolicyLoader, WrongShapes) {
  EXPECT_THAT(load("- a\n").errors, ElementsAre(HasSubstr(":1:1: must be a map")));
  EXPECT_THAT(load("filters: [a]\n").errors, ElementsAre(HasSubstr("filters: must be a map")));
  EXPECT_THAT(load("commands: 5\n").errors, ElementsAre(HasSubstr("commands: must be a map")));
  EXPECT_THAT(load("target_commands: ffmpeg\n").errors, ElementsAre(HasSubstr("target_commands: must be a list")));
  EXPECT_THAT(load("target_commands: []\n").errors, ElementsAre(HasSubstr("must name at least one command")));
  EXPECT_THAT(load("target_commands: [/bin/x]\n").errors, ElementsAre(HasSubstr("is no file name")));
  EXPECT_THAT(load("scan_interval: [1s]\n").errors, ElementsAre(HasSubstr("must be a plain value")));
  EXPECT_THAT(load("a: [\n").errors, ElementsAre(HasSubstr(file_ + ":")));
  EXPECT_EQ(load_policy({{}, {}, dir_ / "none.yaml"}).errors.size(), 1u);
}

// contract: G2
TEST_F(PolicyLoader, IntervalsOfFlags) {
  const auto errors_of = [&](const std::string& value) { return load("", {{"scan-interval", {value}}}).errors; };
  EXPECT_THAT(errors_of("0s"), ElementsAre("invalid scan_interval: \"0s\": must be greater than 0 (--scan-interval)"));
  EXPECT_THAT(errors_of("-1s"),
              ElementsAre("invalid scan_interval: \"-1s\": must be greater than 0 (--scan-interval)"));
  EXPECT_THAT(errors_of("10"), ElementsAre(HasSubstr("invalid scan_interval: \"10\": missing unit")));
  EXPECT_THAT(errors_of("25h"), ElementsAre(HasSubstr("must be from 100ms to 24h")));
  EXPECT_THAT(errors_of("1d"), IsEmpty());
}

// contract: G3
TEST_F(PolicyLoader, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  const std::string yaml = "default_limits:\n  cpu_quota: 10\n";
  const auto place = [](const LoadedPolicy& loaded) {
    EXPECT_THAT(loaded.errors, IsEmpty());
    return std::pair(loaded.policy.defaults.limits.cpu_quota_percent.value_or(0),
                     loaded.policy.defaults.place_of("cpu_quota"));
  };
  const std::map<std::string, std::string> env{{"FFRTMP_CPU_QUOTA", "20"}};
  EXPECT_EQ(place(load(yaml, {{"cpu-quota", {"30"}}}, env)), std::pair(30, std::string("flag")));
  EXPECT_EQ(place(load(yaml, {}, env)), std::pair(20, std::string("env")));
  EXPECT_EQ(place(load(yaml)), std::pair(10, file_ + ":2"));
  EXPECT_EQ(place(load("")), std::pair(0, std::string("default")));
}

TEST_F(PolicyLoader, CommandsWinOverFlags) {
  const auto policy =
      load("commands: {ffmpeg: {limits: {cpu_quota: 5}}}\n", {{"cpu-quota", {"30"}}, {"nice", {"3"}}}).policy;
  EXPECT_EQ(policy.rule_for("ffmpeg").limits.cpu_quota_percent, 5);
  EXPECT_EQ(policy.rule_for("ffmpeg").limits.nice, 3);
  EXPECT_EQ(policy.rule_for("ffmpeg").place_of("cpu_quota"), file_ + ":1");
  EXPECT_EQ(policy.rule_for("ffmpeg").place_of("nice"), "flag");
}

TEST_F(PolicyLoader, TheExampleIsGood) {
  const auto loaded = load_policy({{}, {}, std::string(FFRTMP_SOURCE_DIR) + "/examples/watch-config.yaml"});
  EXPECT_THAT(loaded.errors, IsEmpty());
  EXPECT_THAT(loaded.warnings, IsEmpty());
  EXPECT_EQ(loaded.policy.defaults.limits.cpu_quota_percent, 200);
  EXPECT_EQ(loaded.policy.rule_for("gst-launch-1.0").limits.memory_limit_bytes, std::nullopt);
}

TEST_F(PolicyLoader, ListsOfFlagsAndVariables) {
  EXPECT_THAT(load("", {{"target", {"a,b", "c"}}}).policy.target_commands, ElementsAre("a", "b", "c"));
  EXPECT_THAT(load("", {}, {{"FFRTMP_TARGET", "x, y"}}).policy.target_commands, ElementsAre("x", "y"));
}

}  // namespace
}  // namespace ffrtmp::watch
