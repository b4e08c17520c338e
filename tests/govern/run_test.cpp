// `ffrtmp run` as a person meets it.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/text.h"
#include "govern/claim.h"
#include "json/json.h"
#include "sys/cgroup_layout.h"
#include "sys/file_io.h"
#include "sys/proc_fs.h"
#include "tests/govern/command.h"
#include "tests/support/fake_load.h"

namespace ffrtmp::test {
namespace {

using namespace std::chrono_literals;
const sys::Host kHost = sys::Host::real();

class RunCommand : public testing::Test {
 protected:
  // Flags, then the program behind "--".
  [[nodiscard]] Ran run(std::vector<std::string> flags, const std::vector<std::string>& program) const {
    return run_ffrtmp(line(std::move(flags), program), runtime());
  }
  [[nodiscard]] static std::vector<std::string> line(std::vector<std::string> flags,
                                                     const std::vector<std::string>& program) {
    flags.insert(flags.begin(), "run");
    flags.emplace_back("--");
    flags.insert(flags.end(), program.begin(), program.end());
    return flags;
  }
  [[nodiscard]] std::string runtime() const { return dir_ / "rt"; }
  TempDir dir_;
};

// contract: G5
TEST_F(RunCommand, ReturnsTheProgramsOwnCode) {
  EXPECT_EQ(run({}, {"sh", "-c", "exit 42"}).exit_code, 42);
  EXPECT_EQ(run({"--cpu-quota", "50"}, {"sh", "-c", "exit 42"}).exit_code, 42);
  EXPECT_EQ(run({}, {"sh", "-c", "kill -9 $$"}).exit_code, 137);
  const Ran missing = run({"--cpu-quota", "50"}, {"no-such-program"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_NE(missing.err.find("no-such-program"), std::string::npos) << missing.err;
  const Ran in_group = run({"--cpu-quota", "50", "--json"}, {"/nonexistent/program"});
  EXPECT_EQ(in_group.exit_code, 1);
  EXPECT_FALSE(std::filesystem::exists(document_of(in_group).cgroup)) << in_group.out;
  const Ran no_file = run({}, {"/nonexistent/program"});
  EXPECT_EQ(no_file.exit_code, 1);
  EXPECT_NE(no_file.err.find("start_failed"), std::string::npos) << no_file.err;
}

TEST_F(RunCommand, PrintsItsSummaryOnStderr) {
  const Ran ran = run({"--job-id", "sum"}, {"sh", "-c", "echo hello; sleep 0.2; exit 3"});
  EXPECT_EQ(ran.out, "hello\n");
  for (const char* part :
       {"Job: sum\n", "PID: ", "Exit Code: 3\n", "Platform SLA: true (workload_failed_platform_ok)\n"})
    EXPECT_NE(ran.err.find(part), std::string::npos) << part << "\n" << ran.err;
  constexpr std::string_view kDuration = "Duration: ";
  const auto from = ran.err.find(kDuration) + kDuration.size();
  const auto duration = std::string_view(ran.err).substr(from, ran.err.find('\n', from) - from);
  ASSERT_TRUE(duration.ends_with("s")) << ran.err;
  const auto seconds = parse_number(duration.substr(0, duration.size() - 1));
  EXPECT_TRUE(seconds && *seconds >= 0.2 && *seconds < 20) << duration;
  EXPECT_EQ(duration.size() - duration.find('.'), 4u) << duration;  // two digits and the unit
}

// contract: G1
TEST_F(RunCommand, RefusesABadLine) {
  struct Row {
    std::vector<std::string> arguments;
    const char* part;
  };
  const Row rows[] = {
      {{"run"}, "CMD [ARG...] is missing"},
      {{"run", "--"}, "CMD [ARG...] is missing"},
      {{"run", "--cpu-qouta", "5", "--", "true"}, "did you mean --cpu-quota?"},
      {{"run", "--cpu-quota", "x", "--", "true"}, "--cpu-quota: must be"},
      {{"run", "--cpu-max", "max 100000", "--cpu-quota", "-1", "--", "true"}, "--cpu-quota"},
      {{"run", "--memory-max", "4096", "--memory-limit", "1", "--", "true"}, "same file"},
      {{"run", "--job-id", "", "--", "true"}, "--job-id"},
      {{"attach"}, "--pid is missing"},
      {{"attach", "--pid", "0"}, "--pid"},
      {{"attach", "--pid", "-4"}, "--pid"},
  };
  for (const Row& row : rows) {
    const Ran ran = run_ffrtmp(row.arguments, runtime());
    EXPECT_EQ(ran.exit_code, 2) << row.part;
    EXPECT_NE(ran.err.find(row.part), std::string::npos) << row.part << "\n" << ran.err;
    EXPECT_EQ(split(trim(ran.err), '\n').size(), 1u) << ran.err;
    EXPECT_EQ(ran.out, "");
  }
}

// contract: G6
TEST_F(RunCommand, JsonIsTheOnlyThingOnStdout) {
  const Ran ran = run({"--json", "--cpu-quota", "50", "--nice", "3", "--job-id", "chat", "--intent", "test"},
                      {"sh", "-c", "for i in 1 2 3; do echo noise $i; echo noise >&2; done; exit 7"});
  EXPECT_EQ(ran.exit_code, 7);
  const govern::JobResult result = document_of(ran);
  EXPECT_EQ(result.job_id, "chat");
  EXPECT_EQ(result.mode, "run");
  EXPECT_EQ(result.exit_code.text, "7");
  EXPECT_EQ(result.signal.text, "null");
  EXPECT_EQ(result.governance, govern::Governance::kFull) << result.reason;
  EXPECT_GE(result.limits.size(), 2u);  // and a copied pids.max, below a manager that sets one
  EXPECT_EQ(result.intent, "test");
  EXPECT_TRUE(result.platform_sla_compliant);
  EXPECT_NE(ran.err.find("noise 3"), std::string::npos);
  const govern::JobResult failed = document_of(run({"--json"}, {"/nonexistent"}));
  EXPECT_EQ(failed.exit_code.text, "null");
  EXPECT_EQ(failed.platform_sla_reason, govern::SlaReason::kStartFailed);
  EXPECT_EQ(document_of(run({"--json"}, {"sh", "-c", "kill -9 $$"})).signal.text, "9");
}

// contract: G7
TEST_F(RunCommand, WhateverEndsItTheProgramCompletes) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGKILL}) {
    const std::string name = cat("s", signal);
    Started started(line({"--cpu-quota", "50", "--job-id", cat("g7-", getpid(), "-", signal)},
                         {"sh", "-c", cat("touch ", dir_ / (name + ".up"), "; sleep 1; echo whole >", dir_ / name)}),
                    runtime());
    wait_for_file(dir_ / (name + ".up"));
    started.send(signal);
    const Ran ran = started.finish();
    EXPECT_EQ(ran.exit_code, 128 + signal);
    EXPECT_EQ(ran.err.find("Detaching (workload continues)...\n") != std::string::npos, signal != SIGKILL) << ran.err;
    EXPECT_FALSE(std::filesystem::exists(dir_ / name)) << "it ended before the signal";
    wait_for_file(dir_ / name);
    usleep(100'000);
    EXPECT_EQ(read_file(dir_ / name), "whole\n");
    // Its claim is left for a later governor, and nobody holds it.
    const auto claims = govern::list_claims(runtime());
    ASSERT_TRUE(claims);
    ASSERT_EQ(claims->size(), 1u);
    EXPECT_FALSE(claims->front().live);
    for (const govern::Group& group : claims->front().claim.governed.groups) {
      const auto layout = sys::read_cgroup_layout(kHost);
      const std::string path = layout->find(group.hierarchy)->directory_of(group.path);
      for (int i = 0; i < 300 && rmdir(path.c_str()) != 0; ++i) usleep(10'000);
      rmdir(std::filesystem::path(path).parent_path().c_str());
    }
    govern::drop_claim(claims->front());
  }
}

// contract: G9
TEST_F(RunCommand, KillOnExitEndsWhatIgnoresSigterm) {
  const std::string script =
      cat("trap '' TERM; (trap '' TERM; echo $(exec sh -c 'echo $PPID') >", dir_ / "inner",
          "; while :; do sleep 0.1; done) & touch ", dir_ / "up", "; while :; do sleep 0.1; done");
  Started started(line({"--kill-on-exit", "--kill-grace", "700ms", "--json"}, {"sh", "-c", script}), runtime());
  wait_for_file(dir_ / "up");
  wait_for_file(dir_ / "inner");
  usleep(200'000);
  const auto inner = parse_int(trim(read_file(dir_ / "inner")));
  ASSERT_TRUE(inner);
  const auto sent = std::chrono::steady_clock::now();
  started.send(SIGTERM);
  const Ran ran = started.finish();
  const auto took = std::chrono::steady_clock::now() - sent;
  EXPECT_EQ(ran.exit_code, 128 + SIGTERM);
  EXPECT_GE(took, 700ms);
  EXPECT_EQ(document_of(ran).platform_sla_reason, govern::SlaReason::kKilledByWrapper);
  const auto stat = sys::read_stat(kHost, static_cast<pid_t>(*inner));
  EXPECT_TRUE(!stat || stat->state == 'Z') << "the inner loop lives on";
}

// Also where the group of a limit cannot be made: the one to kill is another question.
TEST_F(RunCommand, KillOnExitEndsHelpersToo) {
  for (const char* fault : {"", "mkdir:ENOSPC:1"}) {
    ASSERT_EQ(setenv("FFRTMP_FAULT", fault, 1), 0);
    const Ran ran = run({"--fault", "--cpu-quota", "50", "--kill-on-exit", "--kill-grace", "100ms"},
                        {"sh", "-c", cat("setsid sleep 1000 & echo $! >", dir_ / "helper", "; exit 5")});
    unsetenv("FFRTMP_FAULT");
    EXPECT_EQ(ran.exit_code, 5) << fault << ran.err;
    const auto helper = static_cast<pid_t>(parse_int(trim(read_file(dir_ / "helper"))).value_or(0));
    const auto stat = sys::read_stat(kHost, helper);
    EXPECT_TRUE(!stat || stat->state == 'Z') << fault;
    if (stat) kill(helper, SIGKILL);
  }
}

TEST_F(RunCommand, InheritsNothingAndReadsNothing) {
  const Ran ran = run({"--nice", "1"}, {"sh", "-c", "ls /proc/self/fd | wc -l; cat; readlink /proc/self/fd/0"});
  const auto lines = split(trim(ran.out), '\n');
  ASSERT_EQ(lines.size(), 2u) << ran.out;
  EXPECT_EQ(trim(lines[0]), "4");  // 0 to 2, and the directory that ls reads
  EXPECT_EQ(lines[1], "/dev/null");
  EXPECT_EQ(run({"--workdir", dir_.path()}, {"pwd"}).out, dir_.path() + "\n");
}

// contract: G17
TEST_F(RunCommand, WithoutLimitsItStaysWhereItIs) {
  const Ran ran = run({"--json", "--nice", "2"}, {"sh", "-c", cat("cat /proc/self/cgroup >", dir_ / "where")});
  EXPECT_EQ(read_file(dir_ / "where"), read_file("/proc/self/cgroup"));
  EXPECT_EQ(document_of(ran).cgroup, "");
}

// contract: G18
TEST_F(RunCommand, AJobIdStaysInsideItsDirectory) {
  const Ran ran = run({"--json", "--cpu-quota", "50", "--job-id", "../../x"}, {"true"});
  const std::string cgroup = document_of(ran).cgroup;
  EXPECT_TRUE(cgroup.ends_with("/ffrtmp/_____x") || cgroup.ends_with("/ffrtmp/___.._x")) << cgroup;
}

TEST_F(RunCommand, ATakenJobIdIsAUsageError) {
  const std::string id = cat("taken-", getpid());
  Started first(line({"--cpu-quota", "50", "--job-id", id, "--kill-on-exit"},
                     {"sh", "-c", cat("touch ", dir_ / "up", "; exec sleep 1000")}),
                runtime());
  wait_for_file(dir_ / "up");
  const Ran second = run({"--cpu-quota", "50", "--job-id", id}, {"true"});
  EXPECT_EQ(second.exit_code, 2) << second.err;
  EXPECT_NE(second.err.find("taken"), std::string::npos);
  first.send(SIGTERM);
  EXPECT_EQ(first.finish().exit_code, 143);
}

TEST_F(RunCommand, StrictDoesNotStartWithoutItsLimits) {
  const std::vector<std::string> program{"touch", dir_ / "ran"};
  const Ran strict = run({"--strict", "--io-max", "999:99 rbps=4096"}, program);
  EXPECT_EQ(strict.exit_code, 1);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "ran"));
  const Ran lenient = run({"--json", "--io-max", "999:99 rbps=4096"}, program);
  EXPECT_EQ(lenient.exit_code, 0);
  EXPECT_TRUE(std::filesystem::exists(dir_ / "ran"));
  const govern::JobResult result = document_of(lenient);
  EXPECT_EQ(result.platform_sla_reason, govern::SlaReason::kLimitNotApplied);
  EXPECT_NE(result.governance, govern::Governance::kFull);
  EXPECT_NE(lenient.err.find("Limit io_max is"), std::string::npos) << lenient.err;
}

TEST_F(RunCommand, AFailedJoinStartsItWithoutLimitsUnlessStrict) {
  for (const char* fault : {"move:EBUSY", "mkdir:ENOSPC"}) {
    ASSERT_EQ(setenv("FFRTMP_FAULT", fault, 1), 0);
    // Nothing to move for one that is born in its group: then there is no join that could fail.
    const bool born_there = std::string_view(fault).starts_with("move") &&
                            sys::read_cgroup_layout(kHost)->of_controller("cpu")->version == sys::CgroupVersion::kV2;
    const Ran lenient = run({"--fault", "--json", "--cpu-quota", "50", "--nice", "4"}, {"sh", "-c", "nice >&2"});
    const Ran strict = run({"--fault", "--json", "--cpu-quota", "50", "--strict"}, {"true"});
    unsetenv("FFRTMP_FAULT");
    EXPECT_EQ(lenient.exit_code, 0) << fault << lenient.err;
    EXPECT_NE(lenient.err.find("4\n"), std::string::npos) << lenient.err;
    const govern::JobResult result = document_of(lenient);
    EXPECT_EQ(result.governance, born_there ? govern::Governance::kFull : govern::Governance::kNiceOnly) << fault;
    EXPECT_EQ(strict.exit_code, born_there ? 0 : 1) << fault;
  }
}

// contract: G41 G50
TEST_F(RunCommand, NobodyIsToldWhatHeMayNot) {
  if (geteuid() != 0) GTEST_SKIP() << "only root becomes somebody else";
  ASSERT_EQ(chmod(dir_.path().c_str(), 0755), 0);
  const std::string program = dir_ / "ffrtmp";
  std::filesystem::copy_file(binary(), program);
  std::filesystem::create_directory(dir_ / "own");
  ASSERT_EQ(chown((dir_ / "own").c_str(), 65534, 65534), 0);
  ASSERT_EQ(chmod((dir_ / "own").c_str(), 0700), 0);
  Started started(line({"--json", "--cpu-quota", "50", "--nice", "5"}, {"sh", "-c", "nice >&2"}), dir_ / "own",
                  {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", program});
  const Ran ran = started.finish();
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  const govern::JobResult result = document_of(ran);
  EXPECT_EQ(result.governance, govern::Governance::kNiceOnly);
  EXPECT_EQ(result.reason, "no_writable_base");
  EXPECT_EQ(result.platform_sla_reason, govern::SlaReason::kLimitNotApplied);
  EXPECT_NE(ran.err.find("Limit cpu_quota is denied"), std::string::npos) << ran.err;
  EXPECT_NE(("\n" + ran.err).find("\n5\n"), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace ffrtmp::test
