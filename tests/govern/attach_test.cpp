// `ffrtmp attach` as a person meets it.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "base/text.h"
#include "sys/cgroup_dir.h"
#include "sys/cgroup_layout.h"
#include "sys/file_io.h"
#include "sys/priority.h"
#include "sys/proc_fs.h"
#include "tests/govern/command.h"

namespace ffrtmp::test {
namespace {

using namespace std::chrono_literals;
const sys::Host kHost = sys::Host::real();

class AttachCommand : public testing::Test {
 protected:
  [[nodiscard]] std::string runtime() const { return dir_ / "rt"; }
  static std::vector<std::string> line(pid_t pid, std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"attach", "--pid", cat(pid)});
    return flags;
  }
  TempDir dir_;
};

// contract: G8
TEST_F(AttachCommand, LetsGoWhenItIsStopped) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const Workload workload("exec sleep 1000");
    const auto before = sys::read_membership(kHost, workload.pid());
    Started started(line(workload.pid(), {"--cpu-quota", "50", "--nice", "5", "--json"}), runtime());
    started.wait_for(cat("✓ Attached to PID ", workload.pid()));
    EXPECT_NE(sys::read_membership(kHost, workload.pid()).value(), before.value());
    EXPECT_EQ(sys::read_nice(workload.pid()).value(), 5);
    started.send(signal);
    const Ran ran = started.finish();
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    EXPECT_TRUE(workload.is_alive());
    EXPECT_EQ(sys::read_membership(kHost, workload.pid()).value(), before.value());
    EXPECT_EQ(sys::read_nice(workload.pid()).value(), 0);
    const govern::JobResult result = document_of(ran);
    EXPECT_EQ(result.platform_sla_reason, govern::SlaReason::kDetachedWorkloadContinues);
    EXPECT_EQ(result.exit_code.text, "null");
  }
}

// contract: G8
TEST_F(AttachCommand, KilledItLeavesTheWorkload) {
  const Workload workload("exec sleep 1000");
  Started started(line(workload.pid(), {"--cpu-quota", "50"}), runtime());
  started.wait_for("✓ Attached");
  started.send(SIGKILL);
  EXPECT_EQ(started.finish().exit_code, 137);
  EXPECT_TRUE(workload.is_alive());
  // What the dead one left is for watch to sweep; here it is the test's.
  const auto membership = sys::read_membership(kHost, workload.pid());
  const auto layout = sys::read_cgroup_layout(kHost);
  const auto home = sys::read_membership(kHost, getpid());
  for (const auto& [hierarchy, path] : *membership) {
    if (path == home->at(hierarchy)) continue;
    const sys::Hierarchy* found = layout->find(hierarchy);
    ASSERT_TRUE(sys::CgroupDir::open(found->directory_of(home->at(hierarchy)))->add(workload.pid()));
    ASSERT_TRUE(sys::remove_group(found->directory_of(path)));
    rmdir(found->directory_of(path.substr(0, path.rfind('/'))).c_str());
  }
}

TEST_F(AttachCommand, EndsWithTheProcess) {
  const Workload workload(cat("while [ ! -e ", dir_ / "go", " ]; do sleep 0.05; done; exit 3"));
  Started started(line(workload.pid(), {"--cpu-quota", "50", "--children", "--json"}), runtime());
  started.wait_for("✓ Attached");
  write_file(dir_ / "go", "");
  const Ran ran = started.finish();
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(document_of(ran).platform_sla_reason, govern::SlaReason::kObservedToCompletion);
}

// A claim on a full disk: nobody could put the process back, so it is not taken.
TEST_F(AttachCommand, WithoutItsClaimNothingStays) {
  const Workload workload("exec sleep 1000");
  const auto before = sys::read_membership(kHost, workload.pid());
  ASSERT_EQ(setenv("FFRTMP_FAULT", "claim:ENOSPC", 1), 0);
  const Ran ran = run_ffrtmp(line(workload.pid(), {"--fault", "--cpu-quota", "50", "--nice", "5"}), runtime());
  unsetenv("FFRTMP_FAULT");
  EXPECT_EQ(ran.exit_code, 1) << ran.err;
  EXPECT_NE(ran.err.find("failed to attach: "), std::string::npos) << ran.err;
  EXPECT_EQ(sys::read_membership(kHost, workload.pid()).value(), before.value());
  EXPECT_EQ(sys::read_nice(workload.pid()).value(), 0);
}

TEST_F(AttachCommand, RefusesWhomItCannotGovern) {
  const Ran missing = run_ffrtmp({"attach", "--pid", "4194304"}, runtime());
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_NE(missing.err.find("failed to attach: process 4194304 does not exist"), std::string::npos) << missing.err;
  EXPECT_EQ(run_ffrtmp({"attach", "--pid", "2"}, runtime()).exit_code, 1);

  const Workload workload("exec sleep 1000");
  Started first(line(workload.pid(), {"--nice", "5", "--job-id", "one"}), runtime());
  first.wait_for("✓ Attached");
  const Ran second = run_ffrtmp(line(workload.pid(), {"--nice", "7"}), runtime());
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_NE(second.err.find(cat("by attach (pid ", first.pid(), ") as job one")), std::string::npos) << second.err;
  EXPECT_EQ(sys::read_nice(workload.pid()).value(), 5);
  first.send(SIGTERM);
  EXPECT_EQ(first.finish().exit_code, 0);
}

// contract: G46
TEST_F(AttachCommand, ReassertsWhatIsUndoneByHand) {
  const Workload workload("exec sleep 1000");
  Started started(line(workload.pid(), {"--nice", "5", "--cpu-quota", "50", "--reconcile-interval", "100ms"}),
                  runtime());
  started.wait_for("✓ Attached");
  const auto inside = sys::read_membership(kHost, workload.pid());
  ASSERT_TRUE(sys::write_nice(workload.pid(), 0));
  const auto layout = sys::read_cgroup_layout(kHost);
  const sys::Hierarchy* cpu = layout->of_controller("cpu");
  const auto home = sys::read_membership(kHost, getpid());
  ASSERT_TRUE(sys::CgroupDir::open(cpu->directory_of(home->at(cpu->name)))->add(workload.pid()));
  for (int i = 0; i < 500 && (sys::read_nice(workload.pid()).value() != 5 ||
                              sys::read_membership(kHost, workload.pid()).value() != inside.value());
       ++i)
    usleep(10'000);
  EXPECT_EQ(sys::read_nice(workload.pid()).value(), 5);
  EXPECT_EQ(sys::read_membership(kHost, workload.pid()).value(), inside.value());
  started.wait_for("Drift: nice was 0");
  started.send(SIGTERM);
  EXPECT_EQ(started.finish().exit_code, 0);
}

// contract: G46
TEST_F(AttachCommand, TellsLimitsThatItCouldNotKeep) {
  const Workload workload("exec sleep 1000");
  const auto layout = sys::read_cgroup_layout(kHost);
  const sys::Hierarchy* cpu = layout->of_controller("cpu");
  const auto home = sys::read_membership(kHost, workload.pid());
  Started started(line(workload.pid(), {"--cpu-quota", "50", "--reconcile-interval", "100ms", "--json"}), runtime());
  started.wait_for("✓ Attached");
  const std::string own = sys::read_membership(kHost, workload.pid())->at(cpu->name);
  const auto other = sys::CgroupDir::create(cat(cpu->directory_of(own), "-of-another"));
  ASSERT_TRUE(other) << other.error().message;
  ASSERT_TRUE(other->add(workload.pid()));
  started.wait_for("could not be made");
  started.send(SIGTERM);
  const Ran ran = started.finish();
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  const govern::JobResult result = document_of(ran);
  EXPECT_EQ(result.governance, govern::Governance::kObserve);
  EXPECT_EQ(result.reason, "cpu_quota_failed");
  EXPECT_EQ(result.platform_sla_reason, govern::SlaReason::kLimitNotApplied);
  ASSERT_TRUE(sys::CgroupDir::open(cpu->directory_of(home->at(cpu->name)))->add(workload.pid()));
  ASSERT_TRUE(sys::remove_group(other->path()));
  rmdir(cpu->directory_of(own.substr(0, own.rfind('/'))).c_str());
}

// contract: G16
TEST_F(AttachCommand, SaysWhichLimitItWouldEscape) {
  const auto layout = sys::read_cgroup_layout(kHost);
  const sys::Hierarchy* memory = layout->of_controller("memory");
  const bool v2 = memory->version == sys::CgroupVersion::kV2;
  const std::string name = cat("/ffrtmp-outer-", getpid());
  const auto outer = sys::CgroupDir::create(memory->directory_of(memory->root) + name);
  ASSERT_TRUE(outer) << outer.error().message;
  ASSERT_TRUE(outer->write(v2 ? "memory.max" : "memory.limit_in_bytes", cat(256 << 20)));
  {
    const Workload workload("exec sleep 1000");
    ASSERT_TRUE(outer->add(workload.pid()));
    Started started(line(workload.pid(), {"--memory-limit", "64", "--placement", "root"}), runtime());
    started.wait_for("Observing PID");
    EXPECT_NE(started.err().find(cat("would_escape_limits: ")), std::string::npos) << started.err();
    EXPECT_NE(started.err().find(cat(name, v2 ? " memory.max" : " memory.limit_in_bytes", " 268435456")),
              std::string::npos)
        << started.err();
    started.send(SIGTERM);
    EXPECT_EQ(started.finish().exit_code, 0);
  }
  EXPECT_TRUE(sys::remove_group(outer->path()));
}

TEST_F(AttachCommand, KeepsLimitsWhenAsked) {
  const Workload workload("exec sleep 1000");
  Started started(line(workload.pid(), {"--nice", "5", "--on-stop", "keep"}), runtime());
  started.wait_for("✓ Attached");
  started.send(SIGTERM);
  EXPECT_EQ(started.finish().exit_code, 0);
  EXPECT_EQ(sys::read_nice(workload.pid()).value(), 5);
}

}  // namespace
}  // namespace ffrtmp::test
