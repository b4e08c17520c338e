// The attacher on the real kernel, in whichever shape its cgroups are: v1, hybrid, or v2.
#include "govern/attacher.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "base/fault.h"
#include "base/text.h"
#include "govern/delegation.h"
#include "sys/cgroup_dir.h"
#include "sys/file_io.h"
#include "sys/pid_fd.h"
#include "sys/priority.h"
#include "sys/spawn.h"
#include "tests/support/fake_load.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::govern {
namespace {

using namespace std::chrono_literals;

const sys::Host kHost = sys::Host::real();

class RealAttacher : public testing::Test {
 protected:
  void SetUp() override {
    if (!may_make_groups()) GTEST_SKIP() << "no root, or no writable cgroup mount with cpu, memory and pids";
    auto layout = sys::read_cgroup_layout(kHost);
    ASSERT_TRUE(layout) << layout.error().message;
    layout_ = *layout;
    attacher_.emplace(AttacherSettings{kHost, layout_, {}});
    const auto mode = attacher_->mode();
    ASSERT_TRUE(mode.best == Governance::kFull || mode.best == Governance::kPartial) << mode.reason;
    job_ = cat("test-", getpid());
  }
  // As the mount table and our uid say it, whatever the code under test makes of them.
  static bool may_make_groups() {
    std::set<std::string> controllers;
    std::ifstream mounts("/proc/mounts");
    for (std::string source, where, type, options, rest; mounts >> source >> where >> type >> options;) {
      std::getline(mounts, rest);
      std::stringstream words(type == "cgroup2" ? test::read_file(where + "/cgroup.controllers") : options);
      if (!type.starts_with("cgroup") || !options.starts_with("rw")) continue;
      for (std::string word; std::getline(words, word, type == "cgroup2" ? ' ' : ',');) controllers.emplace(trim(word));
    }
    return geteuid() == 0 && controllers.contains("cpu") && controllers.contains("memory") &&
           controllers.contains("pids");
  }
  void TearDown() override {
    (void)fault::arm("");
    for (const pid_t pid : children_) {
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
    EXPECT_TRUE(!outer_ || sys::remove_group(outer_->path()));
    for (const std::string& path : group_paths()) {
      EXPECT_FALSE(std::filesystem::exists(path)) << path;
      rmdir(std::filesystem::path(path).parent_path().c_str());
    }
  }

  // Directories of the test's job, wherever they may be.
  std::vector<std::string> group_paths() const {
    std::vector<std::string> paths;
    const auto membership = sys::read_membership(kHost, getpid());
    for (const sys::Hierarchy& hierarchy : layout_.hierarchies)
      for (const std::string& base : {membership->at(hierarchy.name), hierarchy.root})
        paths.push_back(hierarchy.directory_of(cat(base == "/" ? "" : base, "/ffrtmp/", job_)));
    return paths;
  }

  sys::ProcessKey start(const std::string& script) {
    sys::Command command;
    command.argv = {"/bin/sh", "-c", script};
    auto child = sys::spawn(command);
    EXPECT_TRUE(child) << child.error().message;
    children_.push_back(child->pid);
    return sys::read_stat(kHost, child->pid)->key();
  }
  static void wait_for_file(const std::string& path) {
    for (int i = 0; i < 3000 && !std::filesystem::exists(path); ++i) usleep(10000);
    ASSERT_TRUE(std::filesystem::exists(path));
  }
  static bool read_file_ends_with(const std::string& path, std::string_view end) {
    return trim(sys::read_text(path).value_or("")).ends_with(end);
  }
  sys::ProcessKey start_sleep() {
    const sys::ProcessKey process = start("exec sleep 1000");
    const auto sleeps = [&] {
      const auto stat = sys::read_stat(kHost, process.pid);
      return stat && stat->comm == "sleep" && stat->state == 'S';
    };
    for (int i = 0; i < 3000 && !sleeps(); ++i) usleep(1000);
    EXPECT_TRUE(sleeps());
    return process;
  }

  // A shell that does not heed SIGTERM, and its two children.
  using Tree = std::vector<sys::ProcessKey>;
  Tree start_tree() {
    Tree tree{start("trap '' TERM; sleep 1000 & sleep 1000 & wait; wait")};
    for (int i = 0; i < 1000 && sys::read_descendants(kHost, tree.front().pid)->size() < 2; ++i) usleep(10000);
    const auto below = sys::read_descendants(kHost, tree.front().pid).value();
    for (const sys::ProcStat& stat : below) {
      tree.push_back(stat.key());
      children_.push_back(stat.pid);
    }
    EXPECT_EQ(tree.size(), 3u);
    return tree;
  }
  static void expect_ended(const Tree& tree) {
    const auto is_there = [](const sys::ProcessKey& key) {
      const auto stat = sys::read_stat(kHost, key.pid);
      return stat && stat->key() == key && !stat->has_ended();
    };
    for (int i = 0; i < 6000 && std::any_of(tree.begin(), tree.end(), is_there); ++i) usleep(10000);
    EXPECT_TRUE(std::none_of(tree.begin(), tree.end(), is_there));
  }

  AttachRequest request(const sys::ProcessKey& process, Limits limits) const {
    AttachRequest wanted;
    wanted.process = process;
    wanted.job_id = job_;
    wanted.limits = std::move(limits);
    return wanted;
  }

  // Puts the process into a group of the test's own, at the top of the controller's hierarchy, that has this limit.
  void put_below(const sys::ProcessKey& process, std::string_view controller, const std::string& file,
                 const std::string& text) {
    const sys::Hierarchy* hierarchy = layout_.of_controller(controller);
    auto outer = sys::CgroupDir::create(cat(hierarchy->directory_of(hierarchy->root), "/ffrtmp-outer-", getpid()));
    ASSERT_TRUE(outer) << outer.error().message;
    outer_ = std::move(*outer);
    ASSERT_TRUE(outer_->write(file, text));
    ASSERT_TRUE(outer_->add(process.pid));
  }

  // Text of a control file in the group that the process is in now: told by /proc, not by us.
  std::string control(const sys::ProcessKey& process, std::string_view controller, const std::string& v2_file,
                      const std::string& v1_file) const {
    const sys::Hierarchy* hierarchy = layout_.of_controller(controller);
    const auto membership = sys::read_membership(kHost, process.pid);
    const bool v2 = hierarchy->version == sys::CgroupVersion::kV2;
    const std::string path = cat(hierarchy->directory_of(membership->at(hierarchy->name)), "/", v2 ? v2_file : v1_file);
    return std::string(trim(sys::read_text(path).value_or("?")));
  }

  // Microseconds in the file's own period; "none" for v2's "max" and v1's -1.
  std::string cpu_quota_us(const sys::ProcessKey& process) const {
    const std::string text = control(process, "cpu", "cpu.max", "cpu.cfs_quota_us");
    const std::string quota = text.substr(0, text.find(' '));
    return quota == "max" || quota == "-1" ? "none" : quota;
  }

  // "max", or v1's largest number.
  bool has_no_memory_high(const sys::ProcessKey& process) const {
    const std::string text = control(process, "memory", "memory.high", "memory.soft_limit_in_bytes");
    return text == "max" || parse_int(text).value_or(0) > (std::int64_t{1} << 60);
  }

  sys::CgroupLayout layout_;
  std::optional<Attacher> attacher_;
  std::string job_;
  std::vector<pid_t> children_;
  std::optional<sys::CgroupDir> outer_;
};

Limits quota(int percent) {
  Limits limits;
  limits.cpu_quota_percent = percent;
  return limits;
}

// contract: G10
TEST_F(RealAttacher, PutsAProcessUnderLimitsAndBack) {
  const sys::ProcessKey process = start_sleep();
  const auto before = sys::read_membership(kHost, process.pid);
  Limits limits = quota(50);
  limits.cpu_weight = 200;
  limits.memory_limit_bytes = 64 << 20;
  limits.pids_max = 20;
  limits.nice = 5;
  limits.oom_score_adj = 300;
  const auto held = static_cast<double>(sys::read_resident_bytes(kHost, process.pid).value());
  const auto outcome = attacher_->attach(request(process, limits));
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->governance, Governance::kFull) << outcome->reason << " " << outcome->evidence;
  EXPECT_EQ(outcome->limits.size(), 6u);
  EXPECT_NEAR(static_cast<double>(outcome->uncovered_bytes), held, 1 << 18);

  EXPECT_EQ(cpu_quota_us(process), "50000");
  const std::string weight = control(process, "cpu", "cpu.weight", "cpu.shares");
  EXPECT_TRUE(weight == "200" || weight == "2048") << weight;
  EXPECT_EQ(control(process, "memory", "memory.max", "memory.limit_in_bytes"), "67108864");
  EXPECT_EQ(control(process, "pids", "pids.max", "pids.max"), "20");
  EXPECT_EQ(sys::read_nice(process.pid).value(), 5);
  EXPECT_EQ(sys::read_oom_score_adj(kHost, process.pid).value(), 300);
  const auto again = attacher_->attach(request(process, limits));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::kNodeBusy);
  EXPECT_NE(again.error().message.find(job_), std::string::npos);

  const RestoreReport restored = attacher_->restore(outcome->governed);
  EXPECT_TRUE(restored.failures.empty()) << restored.failures.front();
  EXPECT_EQ(sys::read_membership(kHost, process.pid).value(), before.value());
  EXPECT_EQ(sys::read_nice(process.pid).value(), 0);
  EXPECT_EQ(sys::read_oom_score_adj(kHost, process.pid).value(), 0);
}

// contract: G17
TEST_F(RealAttacher, MovesNobodyWithoutALimitThatNeedsIt) {
  const sys::ProcessKey process = start_sleep();
  const auto before = sys::read_membership(kHost, process.pid);
  Limits limits;
  limits.nice = 3;
  const auto outcome = attacher_->attach(request(process, limits));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->governance, Governance::kFull);
  EXPECT_TRUE(outcome->governed.groups.empty());
  EXPECT_EQ(sys::read_membership(kHost, process.pid).value(), before.value());
  EXPECT_TRUE(attacher_->restore(outcome->governed).failures.empty());

  const auto nothing = attacher_->attach(request(process, {}));
  ASSERT_TRUE(nothing);
  EXPECT_EQ(nothing->governance, Governance::kFull);
  EXPECT_EQ(sys::read_membership(kHost, process.pid).value(), before.value());
}

// contract: G13
TEST_F(RealAttacher, SetsNiceOnEveryThread) {
  const test::TempDir dir;
  const sys::ProcessKey process = start(cat("exec ", test::fake_load(), " threads 8 ", dir / "up"));
  wait_for_file(dir / "up");
  const auto threads = sys::read_threads(kHost, process.pid);
  ASSERT_EQ(threads->size(), 8u);
  ASSERT_TRUE(sys::write_nice(threads->back(), 2));  // one that differed before gets its own back
  Limits limits;
  limits.nice = 5;
  const auto outcome = attacher_->attach(request(process, limits));
  ASSERT_TRUE(outcome);
  for (const pid_t tid : *threads) EXPECT_EQ(sys::read_nice(tid).value(), 5) << tid;
  EXPECT_TRUE(attacher_->restore(outcome->governed).failures.empty());
  for (const pid_t tid : *threads) EXPECT_EQ(sys::read_nice(tid).value(), tid == threads->back() ? 2 : 0) << tid;
}

// contract: G46
TEST_F(RealAttacher, ReassertsWhatWasUndone) {
  const sys::ProcessKey process = start_sleep();
  const auto before = sys::read_membership(kHost, process.pid);
  Limits limits = quota(50);
  limits.nice = 5;
  limits.oom_score_adj = 200;
  auto outcome = attacher_->attach(request(process, limits));
  ASSERT_TRUE(outcome) << outcome.error().message;
  const auto inside = sys::read_membership(kHost, process.pid);
  auto quiet = attacher_->reassert(outcome->governed);
  ASSERT_TRUE(quiet) << quiet.error().message;
  EXPECT_TRUE(quiet->drifts.empty()) << quiet->drifts.front().what;
  EXPECT_EQ(quiet->governance, Governance::kFull);

  const sys::Hierarchy* cpu = layout_.of_controller("cpu");
  const std::string group = cpu->directory_of(inside->at(cpu->name));
  const bool v2 = cpu->version == sys::CgroupVersion::kV2;
  const auto dir = sys::CgroupDir::open(group);
  ASSERT_TRUE(dir->write(v2 ? "cpu.max" : "cpu.cfs_quota_us", v2 ? "max" : "-1"));
  ASSERT_TRUE(sys::write_nice(process.pid, 0));
  ASSERT_TRUE(sys::write_oom_score_adj(kHost, process.pid, 0));
  const auto home = sys::CgroupDir::open(cpu->directory_of(before->at(cpu->name)));
  ASSERT_TRUE(home->add(process.pid));

  const auto reasserted = attacher_->reassert(outcome->governed);
  ASSERT_TRUE(reasserted) << reasserted.error().message;
  std::vector<DriftKind> kinds;
  for (const Drift& drift : reasserted->drifts) {
    kinds.push_back(drift.kind);
    EXPECT_EQ(drift.err, 0) << drift.what;
  }
  EXPECT_EQ(kinds, (std::vector{DriftKind::kMembership, DriftKind::kLimit, DriftKind::kNice, DriftKind::kOomScoreAdj}));
  EXPECT_EQ(sys::read_membership(kHost, process.pid).value(), inside.value());
  EXPECT_EQ(cpu_quota_us(process), "50000");
  EXPECT_EQ(sys::read_nice(process.pid).value(), 5);
  EXPECT_EQ(sys::read_oom_score_adj(kHost, process.pid).value(), 200);
  EXPECT_TRUE(attacher_->restore(outcome->governed).failures.empty());
}

TEST_F(RealAttacher, ReassertsInAGroupThatWasRemoved) {
  const sys::ProcessKey process = start_sleep();
  const auto before = sys::read_membership(kHost, process.pid);
  auto outcome = attacher_->attach(request(process, quota(50)));
  ASSERT_TRUE(outcome) << outcome.error().message;
  const auto inside = sys::read_membership(kHost, process.pid);
  for (const Group& group : outcome->governed.groups) {
    const sys::Hierarchy* hierarchy = layout_.find(group.hierarchy);
    const auto home = sys::CgroupDir::open(hierarchy->directory_of(before->at(hierarchy->name)));
    ASSERT_TRUE(home->add(process.pid));
    ASSERT_TRUE(sys::remove_group(hierarchy->directory_of(group.path)));
    rmdir(hierarchy->directory_of(group.path.substr(0, group.path.rfind('/'))).c_str());
  }
  const auto reasserted = attacher_->reassert(outcome->governed);
  ASSERT_TRUE(reasserted) << reasserted.error().message;
  EXPECT_EQ(reasserted->governance, Governance::kFull);
  EXPECT_EQ(sys::read_membership(kHost, process.pid).value(), inside.value());
  EXPECT_EQ(cpu_quota_us(process), "50000");
  EXPECT_TRUE(attacher_->restore(outcome->governed).failures.empty());
}

// contract: G46
TEST_F(RealAttacher, AGroupThatCannotBeMadeAgainHoldsNothing) {
  const sys::ProcessKey process = start_sleep();
  const auto before = sys::read_membership(kHost, process.pid);
  Limits limits = quota(50);
  limits.nice = 5;
  auto outcome = attacher_->attach(request(process, limits));
  ASSERT_TRUE(outcome) << outcome.error().message;
  for (const Group& group : outcome->governed.groups) {
    const sys::Hierarchy* hierarchy = layout_.find(group.hierarchy);
    const auto home = sys::CgroupDir::open(hierarchy->directory_of(before->at(hierarchy->name)));
    ASSERT_TRUE(home->add(process.pid));
    ASSERT_TRUE(sys::remove_group(hierarchy->directory_of(group.path)));
  }
  ASSERT_TRUE(fault::arm("mkdir:EACCES"));
  const auto reasserted = attacher_->reassert(outcome->governed);
  ASSERT_TRUE(reasserted) << reasserted.error().message;
  EXPECT_EQ(reasserted->governance, Governance::kNiceOnly);
  const auto quota_report = std::find_if(reasserted->limits.begin(), reasserted->limits.end(),
                                         [](const LimitReport& r) { return r.limit == LimitName::kCpuQuota; });
  ASSERT_NE(quota_report, reasserted->limits.end());
  EXPECT_EQ(quota_report->status, LimitStatus::kFailed);
  EXPECT_EQ(reasserted->drifts.size(), outcome->governed.groups.size() + 1) << "each membership, and the limit";
  const auto reports = attacher_->read_back(outcome->governed);
  ASSERT_TRUE(reports) << reports.error().message;
  EXPECT_EQ(decide_governance(*reports), Governance::kNiceOnly);
  ASSERT_TRUE(fault::arm(""));
  EXPECT_EQ(attacher_->reassert(outcome->governed)->governance, Governance::kFull);
  EXPECT_TRUE(attacher_->restore(outcome->governed).failures.empty());
}

// A process that was not moved at all is under no limit, however often it is asked.
TEST_F(RealAttacher, ALimitWithoutAGroupIsNeverInForce) {
  const sys::ProcessKey process = start_sleep();
  const bool v2 = layout_.of_controller("memory")->version == sys::CgroupVersion::kV2;
  ASSERT_NO_FATAL_FAILURE(put_below(process, "memory", v2 ? "memory.max" : "memory.limit_in_bytes", cat(256 << 20)));
  Limits limits;
  limits.memory_limit_bytes = 64 << 20;
  limits.nice = 5;
  AttachRequest wanted = request(process, limits);
  wanted.placement = Placement::kRoot;
  auto outcome = attacher_->attach(wanted);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->governance, Governance::kNiceOnly);
  const auto reasserted = attacher_->reassert(outcome->governed);
  ASSERT_TRUE(reasserted) << reasserted.error().message;
  EXPECT_EQ(reasserted->governance, Governance::kNiceOnly);
  EXPECT_TRUE(reasserted->drifts.empty());
  EXPECT_EQ(decide_governance(attacher_->read_back(outcome->governed).value()), Governance::kNiceOnly);
  EXPECT_TRUE(attacher_->restore(outcome->governed).failures.empty());
}

// contract: G46
TEST_F(RealAttacher, DoesNotFightAnotherJobForAProcess) {
  const sys::ProcessKey process = start_sleep();
  auto outcome = attacher_->attach(request(process, quota(50)));
  ASSERT_TRUE(outcome) << outcome.error().message;
  const sys::Hierarchy* cpu = layout_.of_controller("cpu");
  const std::string other = cat(cpu->directory_of(cpu->root), "/ffrtmp/other-", getpid());
  const auto taken = sys::CgroupDir::create(other);
  ASSERT_TRUE(taken) << taken.error().message;
  ASSERT_TRUE(taken->add(process.pid));
  const auto reasserted = attacher_->reassert(outcome->governed);
  ASSERT_TRUE(reasserted) << reasserted.error().message;
  ASSERT_EQ(reasserted->drifts.size(), 1u);
  EXPECT_EQ(reasserted->drifts.front().err, EBUSY);
  EXPECT_EQ(reasserted->governance, Governance::kObserve) << "its limits hold a group that it is not in";
  ASSERT_EQ(reasserted->limits.size(), 1u);
  EXPECT_EQ(reasserted->limits.front().err, EBUSY);
  EXPECT_EQ(decide_governance(attacher_->read_back(outcome->governed).value()), Governance::kObserve);
  EXPECT_NE(sys::read_membership(kHost, process.pid)->at(cpu->name).find("/other-"), std::string::npos);
  kill(process.pid, SIGKILL);
  waitpid(process.pid, nullptr, 0);
  std::erase(children_, process.pid);
  EXPECT_TRUE(sys::remove_group(taken->path()));
  EXPECT_TRUE(attacher_->remove_groups(outcome->governed));
}

// What could never be set was undone by nobody. Once it is set, it can be.
// contract: G46
TEST_F(RealAttacher, ALimitThatNeverWasInForceIsNoDrift) {
  const sys::ProcessKey process = start_sleep();
  Limits limits = quota(50);
  limits.nice = 5;
  ASSERT_TRUE(fault::arm("write:EACCES,nice:EACCES"));
  auto outcome = attacher_->attach(request(process, limits));
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->governance, Governance::kObserve);
  Governed& governed = outcome->governed;
  const auto look = [&](Governance governance, std::vector<DriftKind> wanted) {
    const auto compared = attacher_->reassert(governed);
    ASSERT_TRUE(compared) << compared.error().message;
    EXPECT_EQ(compared->governance, governance);
    std::vector<DriftKind> kinds;
    for (const Drift& drift : compared->drifts) kinds.push_back(drift.kind);
    EXPECT_EQ(kinds, wanted);
  };
  look(Governance::kObserve, {});
  ASSERT_TRUE(fault::arm(""));
  look(Governance::kFull, {});
  EXPECT_EQ(cpu_quota_us(process), "50000");
  EXPECT_EQ(sys::read_nice(process.pid).value(), 5);
  ASSERT_TRUE(sys::write_nice(process.pid, 0));
  ASSERT_TRUE(fault::arm("nice:EACCES"));
  look(Governance::kPartial, {DriftKind::kNice});
  look(Governance::kPartial, {DriftKind::kNice});
  ASSERT_TRUE(fault::arm(""));
  look(Governance::kFull, {DriftKind::kNice});
  EXPECT_TRUE(attacher_->restore(governed).failures.empty());
}

// A limit that waits for the process to shrink comes into force by itself: that is no drift either.
// contract: G47
TEST_F(RealAttacher, AMemoryLimitThatWaitedIsNoDrift) {
  for (const LateMemory policy : {LateMemory::kObserve, LateMemory::kHigh, LateMemory::kCredit}) {
    const auto where = testing::Message() << "policy " << static_cast<int>(policy);
    const test::TempDir dir;
    const sys::ProcessKey process = start(cat("exec ", test::fake_load(), " hold 218 ", dir / "up"));
    wait_for_file(dir / "up");
    Limits limits;
    limits.memory_limit_bytes = 100 << 20;
    AttachRequest wanted = request(process, limits);
    wanted.late_memory = policy;
    auto outcome = attacher_->attach(wanted);
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_NE(outcome->governance, Governance::kFull) << where;
    kill(process.pid, SIGUSR1);
    for (int i = 0; i < 1000 && sys::read_resident_bytes(kHost, process.pid).value() > (50 << 20); ++i) usleep(10000);
    const auto compared = attacher_->reassert(outcome->governed);
    ASSERT_TRUE(compared) << compared.error().message;
    EXPECT_TRUE(compared->drifts.empty()) << where << ": " << compared->drifts.front().what;
    EXPECT_EQ(compared->governance, Governance::kFull) << where;
    EXPECT_EQ(control(process, "memory", "memory.max", "memory.limit_in_bytes"), "104857600") << where;
    EXPECT_TRUE(has_no_memory_high(process)) << where;
    EXPECT_TRUE(attacher_->restore(outcome->governed).failures.empty());
  }
}

// memory.high that stood in the limit's place goes with the limit, or with the policy that wanted it.
// contract: G47
TEST_F(RealAttacher, TakesBackTheMemoryHighOfAPolicy) {
  const test::TempDir dir;
  const sys::ProcessKey process = start(cat("exec ", test::fake_load(), " hold 218 ", dir / "up"));
  wait_for_file(dir / "up");
  Limits limited = quota(50);
  limited.memory_limit_bytes = 100 << 20;
  const ChangeRequest changes[] = {{limited, Placement::kNested, LateMemory::kObserve},
                                   {quota(50), Placement::kNested, LateMemory::kHigh}};
  for (const ChangeRequest& change : changes) {
    AttachRequest wanted = request(process, limited);
    wanted.late_memory = LateMemory::kHigh;
    const auto outcome = attacher_->attach(wanted);
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_EQ(control(process, "memory", "memory.high", "memory.soft_limit_in_bytes"), "104857600");
    const auto changed = attacher_->change(outcome->governed, change);
    ASSERT_TRUE(changed) << changed.error().message;
    EXPECT_TRUE(has_no_memory_high(process));
    EXPECT_TRUE(attacher_->restore(changed->governed).failures.empty());
  }
}

// A group whose name only begins like ours is another's: seen when it is compared, left alone when it is let go.
TEST_F(RealAttacher, KnowsItsGroupByTheWholeName) {
  const sys::ProcessKey process = start_sleep();
  auto outcome = attacher_->attach(request(process, quota(50)));
  ASSERT_TRUE(outcome) << outcome.error().message;
  const sys::Hierarchy* cpu = layout_.of_controller("cpu");
  const std::string own = sys::read_membership(kHost, process.pid)->at(cpu->name);
  outer_ = sys::CgroupDir::create(cpu->directory_of(own) + "0").value();
  ASSERT_TRUE(outer_->add(process.pid));
  const auto reasserted = attacher_->reassert(outcome->governed);
  ASSERT_TRUE(reasserted) << reasserted.error().message;
  ASSERT_EQ(reasserted->drifts.size(), 1u);
  EXPECT_EQ(reasserted->drifts.front().kind, DriftKind::kMembership);
  EXPECT_EQ(reasserted->drifts.front().observed, own + "0");
  EXPECT_TRUE(attacher_->restore(outcome->governed).failures.empty());
  EXPECT_EQ(sys::read_membership(kHost, process.pid)->at(cpu->name), own + "0");
}

TEST_F(RealAttacher, ChangesLimitsInPlace) {
  const sys::ProcessKey process = start_sleep();
  Limits limits = quota(50);
  limits.nice = 5;
  const auto outcome = attacher_->attach(request(process, limits));
  ASSERT_TRUE(outcome) << outcome.error().message;
  Limits other;
  other.memory_limit_bytes = 200 << 20;
  other.cpu_weight = 300;
  const auto changed = attacher_->change(outcome->governed, {other});
  ASSERT_TRUE(changed) << changed.error().message;
  EXPECT_EQ(changed->governance, Governance::kFull);
  EXPECT_EQ(cpu_quota_us(process), "none");
  EXPECT_EQ(control(process, "memory", "memory.max", "memory.limit_in_bytes"), "209715200");
  EXPECT_EQ(sys::read_nice(process.pid).value(), 0);
  EXPECT_TRUE(attacher_->restore(changed->governed).failures.empty());
}

TEST_F(RealAttacher, AChangeThatFailsTakesNothingBack) {
  if (layout_.of_controller("cpu") == layout_.of_controller("memory")) {
    EXPECT_EQ(layout_.of_controller("cpu")->version, sys::CgroupVersion::kV2);  // one group has them all
    return;
  }
  const sys::ProcessKey process = start_sleep();
  const auto outcome = attacher_->attach(request(process, quota(50)));
  ASSERT_TRUE(outcome) << outcome.error().message;
  Limits other;
  other.memory_limit_bytes = 200 << 20;
  ASSERT_TRUE(fault::arm("mkdir:ENOSPC"));
  EXPECT_EQ(attacher_->change(outcome->governed, {other}).error().sys, ENOSPC);
  EXPECT_EQ(cpu_quota_us(process), "50000");
  ASSERT_TRUE(fault::arm(""));
  EXPECT_TRUE(attacher_->restore(outcome->governed).failures.empty());
}

// It ends while its limits are changed: the groups of the new ones would be known to nobody.
TEST_F(RealAttacher, AChangeOfOneThatEndedLeavesNoGroup) {
  const sys::ProcessKey process = start_sleep();
  const auto outcome = attacher_->attach(request(process, quota(50)));
  ASSERT_TRUE(outcome) << outcome.error().message;
  kill(process.pid, SIGKILL);  // not waited for: what /proc says of it is still there
  const auto has_ended = [&] { return sys::read_stat(kHost, process.pid)->has_ended(); };
  for (int i = 0; i < 1000 && !has_ended(); ++i) usleep(1000);
  Limits other = quota(50);
  other.memory_limit_bytes = 200 << 20;
  EXPECT_EQ(attacher_->change(outcome->governed, {other}).error().code, Errc::kGone);
  EXPECT_TRUE(attacher_->remove_groups(outcome->governed));
  for (const std::string& path : group_paths()) EXPECT_FALSE(std::filesystem::exists(path)) << path;
}

// contract: G47
TEST_F(RealAttacher, NeverSetsAMemoryLimitBelowCurrentUse) {
  struct Row {
    LateMemory policy;
    LimitStatus status;
    bool has_limit;
  };
  const Row rows[] = {{LateMemory::kObserve, LimitStatus::kFailed, false},
                      {LateMemory::kHigh, LimitStatus::kDegraded, false},
                      {LateMemory::kCredit, LimitStatus::kDegraded, true},
                      {LateMemory::kRefuse, LimitStatus::kDenied, false}};
  const test::TempDir dir;
  const sys::ProcessKey process = start(cat("exec ", test::fake_load(), " hold 218 ", dir / "up"));
  wait_for_file(dir / "up");
  const std::int64_t held = sys::read_resident_bytes(kHost, process.pid).value();
  ASSERT_GT(held, 218 << 20);
  for (const Row& row : rows) {
    Limits limits;
    limits.memory_limit_bytes = 100 << 20;
    AttachRequest wanted = request(process, limits);
    wanted.late_memory = row.policy;
    const auto outcome = attacher_->attach(wanted);
    ASSERT_TRUE(outcome) << outcome.error().message;
    const auto memory = std::find_if(outcome->limits.begin(), outcome->limits.end(),
                                     [](const LimitReport& report) { return report.limit == LimitName::kMemoryLimit; });
    ASSERT_NE(memory, outcome->limits.end());
    EXPECT_EQ(memory->status, row.status) << static_cast<int>(row.policy);
    EXPECT_NEAR(static_cast<double>(outcome->uncovered_bytes), static_cast<double>(held), 4 << 20);
    const auto limit = parse_int(control(process, "memory", "memory.max", "memory.limit_in_bytes"));
    const bool has_limit = limit && *limit < (std::int64_t{1} << 40);
    EXPECT_EQ(has_limit, row.has_limit) << static_cast<int>(row.policy);
    if (has_limit) {
      EXPECT_NEAR(static_cast<double>(*limit), static_cast<double>(held), 4 << 20);
    }
    EXPECT_TRUE(attacher_->restore(outcome->governed).failures.empty());
  }
}

// The same of limits that are asked for later, whether there is a limit already or the process is in no group for it.
// contract: G47
TEST_F(RealAttacher, NeverChangesAMemoryLimitToBelowCurrentUse) {
  struct Row {
    LateMemory policy;
    LimitStatus with_limit;
    LimitStatus without_limit;
  };
  const Row rows[] = {{LateMemory::kObserve, LimitStatus::kDegraded, LimitStatus::kFailed},
                      {LateMemory::kHigh, LimitStatus::kDegraded, LimitStatus::kDegraded},
                      {LateMemory::kCredit, LimitStatus::kDegraded, LimitStatus::kDegraded},
                      {LateMemory::kRefuse, LimitStatus::kDegraded, LimitStatus::kFailed}};
  constexpr std::int64_t kBefore = 400 << 20;
  constexpr std::int64_t kAsked = 100 << 20;
  constexpr std::int64_t kNone = std::int64_t{1} << 40;  // from here on: no limit
  const test::TempDir dir;
  const sys::ProcessKey process = start(cat("exec ", test::fake_load(), " hold 218 ", dir / "up"));
  wait_for_file(dir / "up");
  const auto bytes = [&](const char* v2_file, const char* v1_file) {
    return parse_int(control(process, "memory", v2_file, v1_file)).value_or(kNone);
  };
  for (const bool has_limit : {true, false}) {
    for (const Row& row : rows) {
      const auto where = testing::Message() << "policy " << static_cast<int>(row.policy) << ", limit " << has_limit;
      Limits limits = quota(50);
      if (has_limit) limits.memory_limit_bytes = kBefore;
      const auto outcome = attacher_->attach(request(process, limits));
      ASSERT_TRUE(outcome) << outcome.error().message;
      limits.memory_limit_bytes = kAsked;
      const auto changed = attacher_->change(outcome->governed, {limits, Placement::kNested, row.policy});
      ASSERT_TRUE(changed) << changed.error().message;
      EXPECT_EQ(changed->governed.late_memory, row.policy);
      const auto memory = std::find_if(changed->limits.begin(), changed->limits.end(), [](const LimitReport& report) {
        return report.limit == LimitName::kMemoryLimit;
      });
      ASSERT_NE(memory, changed->limits.end()) << where;
      EXPECT_EQ(memory->status, has_limit ? row.with_limit : row.without_limit) << where;
      EXPECT_TRUE(changed->reason.starts_with("memory_limit_")) << where << changed->reason;

      const std::int64_t held = sys::read_resident_bytes(kHost, process.pid).value();
      const std::int64_t hard = bytes("memory.max", "memory.limit_in_bytes");
      EXPECT_GE(hard, held - (1 << 20)) << where;
      if (row.policy == LateMemory::kCredit)
        EXPECT_LE(hard, held + (1 << 20)) << where;
      else
        EXPECT_EQ(has_limit ? hard : kBefore, kBefore) << where;
      EXPECT_EQ(hard >= kNone, !has_limit && row.policy != LateMemory::kCredit) << where;
      const std::int64_t high = bytes("memory.high", "memory.soft_limit_in_bytes");
      EXPECT_EQ(high == kAsked, row.policy == LateMemory::kHigh) << where;
      EXPECT_TRUE(attacher_->restore(changed->governed).failures.empty());
    }
  }
}

// contract: G47
TEST_F(RealAttacher, RefusesALaterLimitTooWhereNothingIsGovernedYet) {
  const test::TempDir dir;
  const sys::ProcessKey process = start(cat("exec ", test::fake_load(), " hold 218 ", dir / "up"));
  wait_for_file(dir / "up");
  const auto before = sys::read_membership(kHost, process.pid);
  const auto nothing = attacher_->attach(request(process, {}));
  ASSERT_TRUE(nothing) << nothing.error().message;
  Limits limits = quota(50);
  limits.memory_limit_bytes = 100 << 20;
  const auto refused = attacher_->change(nothing->governed, {limits, Placement::kNested, LateMemory::kRefuse});
  ASSERT_TRUE(refused) << refused.error().message;
  EXPECT_EQ(refused->governance, Governance::kObserve);
  EXPECT_EQ(refused->reason, "late_memory_refused");
  EXPECT_EQ(sys::read_membership(kHost, process.pid).value(), before.value());
  const auto observed = attacher_->change(refused->governed, {limits, Placement::kNested, LateMemory::kObserve});
  ASSERT_TRUE(observed) << observed.error().message;
  EXPECT_EQ(observed->governance, Governance::kPartial);
  EXPECT_TRUE(attacher_->restore(observed->governed).failures.empty());
  EXPECT_EQ(sys::read_membership(kHost, process.pid).value(), before.value());
}

// A child that was born in the group after the attach gets the limits that are asked for later, too.
TEST_F(RealAttacher, ChangesTheLimitsOfTheWholeGroup) {
  const test::TempDir dir;
  const sys::ProcessKey process =
      start(cat("while [ ! -e ", dir / "go", " ]; do sleep 0.01; done; sleep 1000 & touch ", dir / "up", "; wait"));
  const auto before = sys::read_membership(kHost, process.pid);
  const auto outcome = attacher_->attach(request(process, quota(50)));
  ASSERT_TRUE(outcome) << outcome.error().message;
  test::write_file(dir / "go", "");
  wait_for_file(dir / "up");
  std::vector<sys::ProcStat> below;
  for (int i = 0; i < 500 && below.empty(); ++i, usleep(10000)) {
    below = sys::read_descendants(kHost, process.pid).value();
    std::erase_if(below, [](const sys::ProcStat& stat) { return stat.comm != "sleep"; });
  }
  ASSERT_EQ(below.size(), 1u);
  children_.push_back(below.front().pid);
  Limits limits = quota(50);
  limits.pids_max = 20;
  const auto changed = attacher_->change(outcome->governed, {limits});
  ASSERT_TRUE(changed) << changed.error().message;
  EXPECT_EQ(control(process, "pids", "pids.max", "pids.max"), "20");
  EXPECT_EQ(control(below.front().key(), "pids", "pids.max", "pids.max"), "20");
  EXPECT_TRUE(attacher_->restore(changed->governed).failures.empty());
  EXPECT_EQ(sys::read_membership(kHost, below.front().pid).value(), before.value());
}

TEST_F(RealAttacher, TakesChildrenToo) {
  const sys::ProcessKey process = start("sleep 1000 & sleep 1000 & wait");
  for (int i = 0; i < 500 && sys::read_descendants(kHost, process.pid)->size() < 2; ++i) usleep(10000);
  const auto below = sys::read_descendants(kHost, process.pid);
  ASSERT_EQ(below->size(), 2u);
  for (const auto& stat : *below) children_.push_back(stat.pid);
  AttachRequest wanted = request(process, quota(50));
  wanted.children = true;
  const auto outcome = attacher_->attach(wanted);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->governed.members.size(), 3u);
  for (const auto& stat : *below) {
    const auto path = sys::read_membership(kHost, stat.pid)->at(layout_.of_controller("cpu")->name);
    EXPECT_EQ(Attacher::job_of_group(path), job_);
  }
  EXPECT_TRUE(attacher_->restore(outcome->governed).failures.empty());
  for (const auto& stat : *below) {
    const auto path = sys::read_membership(kHost, stat.pid)->at(layout_.of_controller("cpu")->name);
    EXPECT_EQ(Attacher::job_of_group(path), std::nullopt);
  }
}

// A child that has a limit of its own keeps it, and is told; with strict it undoes the attach.
// contract: G16
TEST_F(RealAttacher, LeavesAChildWithItsOwnLimit) {
  const sys::Hierarchy* memory = layout_.of_controller("memory");
  const bool v2 = memory->version == sys::CgroupVersion::kV2;
  const Tree tree = start_tree();
  const auto before = sys::read_membership(kHost, tree.front().pid);
  ASSERT_NO_FATAL_FAILURE(
      put_below(tree.back(), "memory", v2 ? "memory.max" : "memory.limit_in_bytes", cat(256 << 20)));
  const std::string outer = sys::read_membership(kHost, tree.back().pid)->at(memory->name);
  Limits limits;
  limits.memory_limit_bytes = 64 << 20;
  AttachRequest wanted = request(tree.front(), limits);
  wanted.placement = Placement::kRoot;
  wanted.children = true;
  const auto outcome = attacher_->attach(wanted);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->governance, Governance::kFull) << outcome->reason;
  EXPECT_EQ(outcome->reason, "child_would_escape_limits");
  EXPECT_NE(outcome->evidence.find(cat("process ", tree.back().pid)), std::string::npos) << outcome->evidence;
  EXPECT_NE(outcome->evidence.find("268435456"), std::string::npos) << outcome->evidence;
  for (const sys::ProcessKey& key : tree) {
    const std::string path = sys::read_membership(kHost, key.pid)->at(memory->name);
    EXPECT_EQ(path == outer, key == tree.back()) << path;
  }
  EXPECT_TRUE(attacher_->restore(outcome->governed).failures.empty());
  EXPECT_EQ(sys::read_membership(kHost, tree.back().pid)->at(memory->name), outer);
  wanted.strict = true;
  const auto strict = attacher_->attach(wanted);
  ASSERT_FALSE(strict);
  EXPECT_EQ(strict.error().code, Errc::kDenied);
  EXPECT_EQ(sys::read_membership(kHost, tree.front().pid).value(), before.value());
}

// contract: G36 G37
TEST_F(RealAttacher, AFailedJoinLeavesNothing) {
  const sys::ProcessKey process = start_sleep();
  const auto before = sys::read_membership(kHost, process.pid);
  struct Row {
    const char* fault;
    int err;
  };
  for (const Row& row : {Row{"move:EBUSY:1", EBUSY}, Row{"mkdir:ENOSPC:1", ENOSPC}, Row{"move:EPERM:1", EPERM}}) {
    ASSERT_TRUE(fault::arm(row.fault));
    const auto outcome = attacher_->attach(request(process, quota(50)));
    ASSERT_FALSE(outcome) << row.fault;
    EXPECT_EQ(outcome.error().sys, row.err);
    EXPECT_EQ(sys::read_membership(kHost, process.pid).value(), before.value());
    for (const std::string& path : group_paths()) EXPECT_FALSE(std::filesystem::exists(path)) << path;
  }
  ASSERT_TRUE(fault::arm("move:ESRCH:1"));
  EXPECT_EQ(attacher_->attach(request(process, quota(50))).error().code, Errc::kGone);
}

// A new "ffrtmp" has to have its controllers switched on, so whoever has one short job after the other keeps it.
TEST_F(RealAttacher, KeepsTheParentOfItsJobsUntilItIsCleared) {
  int told = 0;
  Attacher attacher({kHost, layout_, {}, [&told] { ++told; }});
  const sys::ProcessKey process = start_sleep();
  const bool v2 = layout_.of_controller("cpu")->version == sys::CgroupVersion::kV2;
  put_below(process, "cpu", v2 ? "cpu.weight" : "cpu.shares", "100");
  const std::string parent = cat(outer_->path(), "/ffrtmp");

  ASSERT_TRUE(fault::arm("move:EPERM:1"));
  ASSERT_FALSE(attacher.attach(request(process, quota(50))));
  EXPECT_TRUE(std::filesystem::exists(parent)) << "of an attach that was undone";
  const auto outcome = attacher.attach(request(process, quota(50)));
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(attacher.restore(outcome->governed).failures.empty());
  EXPECT_FALSE(std::filesystem::exists(cat(parent, "/", job_)));
  EXPECT_TRUE(std::filesystem::exists(parent)) << "of a job that ended";
  EXPECT_EQ(told, 1);
  attacher.clear_parents();
  EXPECT_FALSE(std::filesystem::exists(parent));

  const auto next = attacher.attach(request(process, quota(50)));
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_EQ(cpu_quota_us(process), "50000");
  attacher.clear_parents();
  EXPECT_TRUE(std::filesystem::exists(cat(parent, "/", job_)));
  EXPECT_TRUE(attacher.restore(next->governed).failures.empty());
  EXPECT_EQ(told, 2);
  EXPECT_TRUE(std::filesystem::exists(parent));
  attacher.stop_keeping_parents();
  EXPECT_FALSE(std::filesystem::exists(parent));
  const auto last = attacher.attach(request(process, quota(50)));
  ASSERT_TRUE(last) << last.error().message;
  EXPECT_TRUE(attacher.restore(last->governed).failures.empty());
  EXPECT_FALSE(std::filesystem::exists(parent));
  EXPECT_EQ(told, 2);
}

// Its process ends while an attach is undone: the group is busy until the kernel is done with it.
TEST_F(RealAttacher, AGroupThatIsBusyWhenItShouldBeEmptyGoesLater) {
  const sys::ProcessKey process = start_sleep();
  const auto end_it = [&] {
    kill(process.pid, SIGKILL);
    waitpid(process.pid, nullptr, 0);
    std::erase(children_, process.pid);
  };
  const bool v2 = layout_.of_controller("cpu")->version == sys::CgroupVersion::kV2;
  const sys::Hierarchy& hierarchy = *layout_.of_controller("cpu");
  put_below(process, "cpu", v2 ? "cpu.weight" : "cpu.shares", "100");
  const std::string base = sys::read_membership(kHost, process.pid)->at(hierarchy.name);
  const std::string path = job_path(base, job_);
  const std::string parent = cat(outer_->path(), "/ffrtmp");
  const auto fill = [&](const sys::ProcessKey& key) {
    auto group = make_job_dir(hierarchy, base, job_);
    ASSERT_TRUE(group) << group.error().message;
    ASSERT_TRUE(group->add(key.pid));
  };

  int told = 0;
  LeftParents keeps([&told] { ++told; });
  fill(process);
  EXPECT_EQ(keeps.remove_emptied_job(hierarchy, path).error().sys, EBUSY);
  EXPECT_EQ(told, 1);
  keeps.clear();
  EXPECT_EQ(told, 2) << "it is still there";
  EXPECT_TRUE(std::filesystem::exists(cat(parent, "/", job_)));
  end_it();
  keeps.clear();
  EXPECT_FALSE(std::filesystem::exists(parent)) << "with what was above it";
  EXPECT_EQ(told, 2) << "nothing is left to be cleared";

  const sys::ProcessKey other = start_sleep();
  fill(other);
  std::thread ends([&] {
    std::this_thread::sleep_for(100ms);
    kill(other.pid, SIGKILL);
  });
  EXPECT_TRUE(LeftParents({}).remove_emptied_job(hierarchy, path)) << "who keeps nothing waits for it";
  ends.join();
  EXPECT_FALSE(std::filesystem::exists(parent));
}

TEST_F(RealAttacher, StrictUndoesAPartialAttach) {
  const sys::ProcessKey process = start_sleep();
  const auto before = sys::read_membership(kHost, process.pid);
  // The writes of the quota: v1 has a period beside it.
  const bool v2 = layout_.of_controller("cpu")->version == sys::CgroupVersion::kV2;
  const char* const denied = v2 ? "write:EACCES:1" : "write:EACCES:2";
  ASSERT_TRUE(fault::arm(denied));
  const auto best_effort = attacher_->attach(request(process, quota(50)));
  ASSERT_TRUE(best_effort) << best_effort.error().message;
  EXPECT_EQ(best_effort->governance, Governance::kObserve);
  EXPECT_EQ(best_effort->limits.front().status, LimitStatus::kDenied);
  EXPECT_EQ(best_effort->limits.front().err, EACCES);
  EXPECT_TRUE(attacher_->restore(best_effort->governed).failures.empty());

  AttachRequest wanted = request(process, quota(50));
  wanted.strict = true;
  ASSERT_TRUE(fault::arm(denied));
  const auto strict = attacher_->attach(wanted);
  ASSERT_FALSE(strict);
  EXPECT_EQ(strict.error().sys, EACCES);
  EXPECT_EQ(sys::read_membership(kHost, process.pid).value(), before.value());
}

// contract: G16
TEST_F(RealAttacher, LeavesNoLimitBehind) {
  const sys::Hierarchy* memory = layout_.of_controller("memory");
  const bool v2 = memory->version == sys::CgroupVersion::kV2;
  const std::string path = cat(memory->directory_of(memory->root), "/ffrtmp-outer-", getpid());
  const auto outer = sys::CgroupDir::create(path);
  ASSERT_TRUE(outer) << outer.error().message;
  ASSERT_TRUE(outer->write(v2 ? "memory.max" : "memory.limit_in_bytes", cat(256 << 20)));
  const sys::ProcessKey process = start_sleep();
  const sys::ProcessKey stranger = start_sleep();
  for (const auto& key : {process, stranger}) ASSERT_TRUE(outer->add(key.pid));
  const auto before = sys::read_membership(kHost, process.pid);
  Limits limits;
  limits.memory_limit_bytes = 64 << 20;
  AttachRequest wanted = request(process, limits);
  wanted.placement = Placement::kRoot;
  const auto outcome = attacher_->attach(wanted);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->governance, Governance::kObserve);
  EXPECT_EQ(outcome->reason, "would_escape_limits");
  EXPECT_NE(outcome->evidence.find("268435456"), std::string::npos) << outcome->evidence;
  EXPECT_EQ(sys::read_membership(kHost, process.pid).value(), before.value());

  // Nested: in v1 below its group, where both limits hold; in v2 strangers keep it from that.
  wanted.placement = Placement::kNested;
  const auto nested = attacher_->attach(wanted);
  ASSERT_TRUE(nested) << nested.error().message;
  EXPECT_EQ(nested->reason, v2 ? "would_escape_limits" : "");
  EXPECT_TRUE(attacher_->restore(nested->governed).failures.empty());

  // Without the stranger v2 nests too, by moving first and switching controllers on afterwards.
  kill(stranger.pid, SIGKILL);
  waitpid(stranger.pid, nullptr, 0);
  std::erase(children_, stranger.pid);
  auto alone = attacher_->attach(wanted);
  // On a slow machine the limits come too late at times, and the attach is undone.
  for (int i = 0; i < 50 && !alone && alone.error().sys == ETIMEDOUT; ++i) {
    EXPECT_EQ(sys::read_membership(kHost, process.pid).value(), before.value());
    alone = attacher_->attach(wanted);
  }
  ASSERT_TRUE(alone) << alone.error().message;
  EXPECT_EQ(alone->governance, Governance::kFull) << alone->reason << " " << alone->evidence;
  EXPECT_EQ(control(process, "memory", "memory.max", "memory.limit_in_bytes"), "67108864");
  EXPECT_TRUE(sys::read_membership(kHost, process.pid)->at(memory->name).find("ffrtmp-outer") != std::string::npos);
  const RestoreReport restored = attacher_->restore(alone->governed);
  EXPECT_TRUE(restored.failures.empty()) << restored.failures.front();
  EXPECT_EQ(sys::read_membership(kHost, process.pid).value(), before.value());
  kill(process.pid, SIGKILL);
  waitpid(process.pid, nullptr, 0);
  std::erase(children_, process.pid);
  EXPECT_TRUE(sys::remove_group(outer->path()));
}

TEST_F(RealAttacher, TakesAPidsLimitAlong) {
  const sys::Hierarchy* pids = layout_.of_controller("pids");
  const sys::ProcessKey process = start_sleep();
  ASSERT_NO_FATAL_FAILURE(put_below(process, "pids", "pids.max", "77"));
  Limits limits;
  limits.pids_max = 100;
  AttachRequest wanted = request(process, limits);
  wanted.placement = Placement::kRoot;
  const auto outcome = attacher_->attach(wanted);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(sys::read_membership(kHost, process.pid)->at(pids->name).find("ffrtmp-outer"), std::string::npos);
  EXPECT_EQ(control(process, "pids", "pids.max", "pids.max"), "77");
  EXPECT_EQ(outcome->governed.limits, limits) << "what was asked stays what was asked";
  EXPECT_TRUE(attacher_->restore(outcome->governed).failures.empty());
}

// It left 77 behind: whatever is asked of it later, it never has more.
TEST_F(RealAttacher, NeverLiftsAPidsLimitThatItTookAlong) {
  const sys::ProcessKey process = start_sleep();
  ASSERT_NO_FATAL_FAILURE(put_below(process, "pids", "pids.max", "77"));
  const auto before = sys::read_membership(kHost, process.pid);
  const auto pids_max = [&] { return control(process, "pids", "pids.max", "pids.max"); };
  Limits limits = quota(50);
  limits.pids_max = 100;
  AttachRequest wanted = request(process, limits);
  wanted.placement = Placement::kRoot;
  const auto outcome = attacher_->attach(wanted);
  ASSERT_TRUE(outcome) << outcome.error().message;
  Governed governed = outcome->governed;
  struct Row {
    std::optional<std::int64_t> asked;
    const char* in_force;
  };
  for (const Row& row : {Row{std::nullopt, "77"}, Row{50, "50"}, Row{200, "77"}, Row{50, "50"}}) {
    limits.pids_max = row.asked;
    const auto changed = attacher_->change(governed, {limits});
    ASSERT_TRUE(changed) << changed.error().message;
    EXPECT_EQ(pids_max(), row.in_force);
    EXPECT_EQ(changed->governed.limits, limits);
    governed = changed->governed;
    EXPECT_TRUE(attacher_->reassert(governed)->drifts.empty());
  }
  // Nor when it cannot be moved back, and what was asked of it is lifted.
  ASSERT_TRUE(fault::arm("move:EPERM"));
  EXPECT_TRUE(attacher_->restore(governed).limits_reset);
  EXPECT_EQ(cpu_quota_us(process), "none");
  EXPECT_EQ(pids_max(), "77");
  ASSERT_TRUE(fault::arm(""));
  EXPECT_TRUE(attacher_->restore(governed).failures.empty());
  EXPECT_EQ(sys::read_membership(kHost, process.pid).value(), before.value());
}

// What the kernel killed is counted by the memory group, whatever became of the others.
// contract: G12
TEST_F(RealAttacher, CountsOomKillsWithoutTheOtherGroups) {
  const sys::Hierarchy* cpu = layout_.of_controller("cpu");
  const sys::ProcessKey process = start_sleep();
  const auto before = sys::read_membership(kHost, process.pid);
  Limits limits = quota(50);
  limits.memory_limit_bytes = 64 << 20;
  const auto outcome = attacher_->attach(request(process, limits));
  ASSERT_TRUE(outcome) << outcome.error().message;
  if (cpu != layout_.of_controller("memory")) {
    const std::string own = sys::read_membership(kHost, process.pid)->at(cpu->name);
    ASSERT_TRUE(sys::CgroupDir::open(cpu->directory_of(before->at(cpu->name)))->add(process.pid));
    ASSERT_TRUE(sys::remove_group(cpu->directory_of(own)));
  }
  const auto kills = attacher_->oom_kills(outcome->governed);
  ASSERT_TRUE(kills) << kills.error().message;
  EXPECT_EQ(*kills, 0);
  EXPECT_TRUE(attacher_->restore(outcome->governed).failures.empty());
}

TEST_F(RealAttacher, ARootGivenAsADirectoryHoldsInEveryHierarchy) {
  const std::string name = cat("/ffrtmp-root-", getpid());
  const sys::Hierarchy* memory = layout_.of_controller("memory");
  Attacher attacher({kHost, layout_, memory->directory_of(memory->root) + name});
  const sys::ProcessKey process = start_sleep();
  const auto before = sys::read_membership(kHost, process.pid);
  Limits limits = quota(50);
  limits.memory_limit_bytes = 64 << 20;
  AttachRequest wanted = request(process, limits);
  wanted.placement = Placement::kRoot;
  const auto outcome = attacher.attach(wanted);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->governance, Governance::kFull) << outcome->reason;
  for (const char* controller : {"cpu", "memory"}) {
    const sys::Hierarchy* hierarchy = layout_.of_controller(controller);
    const std::string root = hierarchy->root == "/" ? "" : hierarchy->root;
    EXPECT_EQ(sys::read_membership(kHost, process.pid)->at(hierarchy->name), cat(root, name, "/ffrtmp/", job_));
  }
  EXPECT_TRUE(attacher.restore(outcome->governed).failures.empty());
  EXPECT_EQ(sys::read_membership(kHost, process.pid).value(), before.value());
  for (const sys::Hierarchy& hierarchy : layout_.hierarchies)
    rmdir((hierarchy.directory_of(hierarchy.root) + name).c_str());
}

// contract: G30
TEST_F(RealAttacher, AnotherProcessWithThePidIsLeftAlone) {
  sys::ProcessKey process = start_sleep();
  const auto before = sys::read_membership(kHost, process.pid);
  process.start_ticks += 1;
  EXPECT_EQ(attacher_->attach(request(process, quota(50))).error().code, Errc::kGone);
  EXPECT_EQ(sys::read_membership(kHost, process.pid).value(), before.value());
}

TEST_F(RealAttacher, KillsItsGroupAndCountsMembers) {
  const Tree tree = start_tree();
  AttachRequest wanted = request(tree.front(), quota(50));
  wanted.children = true;
  wanted.can_kill = true;
  const auto outcome = attacher_->attach(wanted);
  ASSERT_TRUE(outcome) << outcome.error().message;
  const auto members = attacher_->members(outcome->governed).value();
  EXPECT_TRUE(std::is_permutation(members.begin(), members.end(), tree.begin(), tree.end()));
  ASSERT_TRUE(attacher_->kill_group(outcome->governed));
  expect_ended(tree);
  EXPECT_TRUE(attacher_->members(outcome->governed)->empty());
  EXPECT_TRUE(attacher_->remove_groups(outcome->governed));
}

// A host without the unified hierarchy: v1's freezer kills.
TEST_F(RealAttacher, KillsByTheFreezer) {
  if (layout_.of_controller("freezer") == nullptr) {
    EXPECT_EQ(layout_.of_controller("cpu")->version, sys::CgroupVersion::kV2);  // there cgroup.kill is all there is
    return;
  }
  sys::CgroupLayout v1_only = layout_;
  std::erase_if(v1_only.hierarchies, [](const auto& h) { return h.version == sys::CgroupVersion::kV2; });
  Attacher attacher({kHost, v1_only, {}});
  const Tree tree = start_tree();
  AttachRequest wanted = request(tree.front(), {});
  wanted.children = true;
  wanted.can_kill = true;
  const auto outcome = attacher.attach(wanted);
  ASSERT_TRUE(outcome) << outcome.error().message;
  ASSERT_EQ(outcome->governed.groups.size(), 1u);
  EXPECT_EQ(outcome->governed.groups.front().hierarchy, "freezer");
  ASSERT_TRUE(attacher.kill_group(outcome->governed));
  expect_ended(tree);
  EXPECT_TRUE(attacher.remove_groups(outcome->governed));
}

TEST_F(RealAttacher, PreparesAGroupForAProcessThatIsNotThereYet) {
  const auto own = sys::read_own_stat(kHost);
  const auto before = sys::read_membership(kHost, getpid());
  Limits limits = quota(50);
  limits.memory_limit_bytes = 64 << 20;
  AttachRequest wanted = request({}, limits);
  wanted.can_kill = true;
  auto prepared = attacher_->prepare(wanted, own->key());
  ASSERT_TRUE(prepared) << prepared.error().message;
  sys::Command command;
  command.argv = {"/bin/sleep", "1000"};
  if (prepared->birth) command.cgroup_dir = prepared->birth.get();
  auto held = sys::spawn_held(command);
  ASSERT_TRUE(held) << held.error().message;
  const sys::ProcessKey process = sys::read_stat(kHost, held->pid())->key();
  const auto outcome = attacher_->place(std::move(*prepared), process);
  ASSERT_TRUE(outcome) << outcome.error().message;
  auto child = std::move(*held).release();
  ASSERT_TRUE(child) << child.error().message;
  children_.push_back(child->pid);
  EXPECT_EQ(outcome->governance, Governance::kFull) << outcome->reason;
  EXPECT_EQ(cpu_quota_us(process), "50000");
  EXPECT_EQ(control(process, "memory", "memory.max", "memory.limit_in_bytes"), "67108864");
  EXPECT_TRUE(attacher_->restore(outcome->governed).failures.empty());
  EXPECT_EQ(sys::read_membership(kHost, process.pid).value(), before.value());
}

// A move to where a process is already costs as much as a real one: with moves made to fail, none is tried.
TEST_F(RealAttacher, MovesNobodyToWhereHeIs) {
  const auto own = sys::read_own_stat(kHost);
  AttachRequest wanted = request({}, layout_.of_controller("cpu") == layout_.unified() ? quota(50) : Limits{});
  wanted.can_kill = true;
  if (layout_.unified() == nullptr) GTEST_SKIP() << "only v2 lets a process be born in a group";
  auto prepared = attacher_->prepare(wanted, own->key());
  ASSERT_TRUE(prepared) << prepared.error().message;
  sys::Command command;
  command.argv = {"/bin/sleep", "1000"};
  command.cgroup_dir = prepared->birth.get();
  const auto child = sys::spawn(command);
  ASSERT_TRUE(child) << child.error().message;
  children_.push_back(child->pid);
  ASSERT_TRUE(fault::arm("move:EBUSY"));
  auto outcome = attacher_->place(std::move(*prepared), sys::read_stat(kHost, child->pid)->key());
  ASSERT_TRUE(outcome) << outcome.error().message;
  const auto reasserted = attacher_->reassert(outcome->governed);
  ASSERT_TRUE(reasserted);
  EXPECT_TRUE(reasserted->drifts.empty());
  ASSERT_TRUE(fault::arm(""));
  EXPECT_TRUE(attacher_->restore(outcome->governed).failures.empty());
}

TEST_F(RealAttacher, ABirthWhosePlaceFailsIsPutBack) {
  if (layout_.unified() == nullptr) GTEST_SKIP() << "only v2 lets a process be born in a group";
  const auto own = sys::read_own_stat(kHost);
  const auto before = sys::read_membership(kHost, getpid());
  AttachRequest wanted = request({}, quota(50));
  wanted.limits.nice = 3;
  wanted.can_kill = true;
  auto prepared = attacher_->prepare(wanted, own->key());
  ASSERT_TRUE(prepared) << prepared.error().message;
  sys::Command command;
  command.argv = {"/bin/sleep", "1000"};
  command.cgroup_dir = prepared->birth.get();
  const auto child = sys::spawn(command);
  ASSERT_TRUE(child) << child.error().message;
  children_.push_back(child->pid);
  prepared->request.strict = true;
  ASSERT_TRUE(fault::arm("nice:EACCES"));
  const auto outcome = attacher_->place(std::move(*prepared), sys::read_stat(kHost, child->pid)->key());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().sys, EACCES);
  EXPECT_EQ(sys::read_membership(kHost, child->pid).value(), before.value());
}

// A group as systemd delegates it. In a process of its own, which moves itself.
TEST_F(RealAttacher, ADelegatedUnitGivesTheBase) {
  const sys::Hierarchy* unified = layout_.unified();
  if (layout_.of_controller("cpu") != unified) {
    EXPECT_FALSE(enter_daemon_leaf(kHost, layout_).value_or(true));  // v1 needs no leaf
    return;
  }
  const std::string unit = cat(unified->directory_of(unified->root), "/ffrtmp-unit-", getpid());
  const auto dir = sys::CgroupDir::create(unit);
  ASSERT_TRUE(dir);
  ASSERT_EQ(setxattr(unit.c_str(), "trusted.delegate", "1", 1, 0), 0);
  const sys::ProcessKey stranger = start_sleep();
  const pid_t daemon = fork();
  if (daemon == 0) {
    if (!dir->add(getpid())) _exit(1);
    if (!enter_daemon_leaf(kHost, layout_).value_or(false)) _exit(2);
    if (!read_file_ends_with("/proc/self/cgroup", "/daemon")) _exit(3);
    Attacher attacher({kHost, layout_, {}});
    AttachRequest wanted = request(stranger, quota(50));
    wanted.placement = Placement::kRoot;
    const auto outcome = attacher.attach(wanted);
    if (!outcome || outcome->governance != Governance::kFull) _exit(4);
    if (outcome->governed.groups.front().path.find("/ffrtmp-unit-") == std::string::npos) _exit(5);
    if (!attacher.restore(outcome->governed).failures.empty()) _exit(6);
    _exit(0);
  }
  int status = 0;
  waitpid(daemon, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(sys::remove_group(dir->path()));
}

TEST(JobOfGroup, Table) {
  EXPECT_EQ(Attacher::job_of_group("/ffrtmp/a"), "a");
  EXPECT_EQ(Attacher::job_of_group("/x/ffrtmp/auto-ffmpeg-1/inner"), "auto-ffmpeg-1");
  EXPECT_EQ(Attacher::job_of_group("/ffrtmp"), std::nullopt);
  EXPECT_EQ(Attacher::job_of_group("/ffrtmp-x/a"), std::nullopt);
  EXPECT_EQ(Attacher::job_of_group("/"), std::nullopt);
}

}  // namespace
}  // namespace ffrtmp::govern
