// Facts of placement on trees that a test builds: no root and no cgroups of the host.
#include "govern/place_facts.h"

#include <gtest/gtest.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "govern/attacher.h"
#include "govern/delegation.h"
#include "govern/job_dir.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::govern {
namespace {

using sys::CgroupVersion;

class V2Tree : public testing::Test {
 protected:
  V2Tree() {
    hierarchy_.name = "unified";
    hierarchy_.version = CgroupVersion::kV2;
    hierarchy_.controllers = {"cpu", "memory", "io", "pids"};
    hierarchy_.mount_point = dir_ / "cg";
    hierarchy_.root = "/";
    add_group("", "");
  }
  void add_group(const std::string& path, const std::string& procs) const {
    test::write_file(dir_ / ("cg" + path + "/cgroup.procs"), procs);
    test::write_file(dir_ / ("cg" + path + "/cgroup.subtree_control"), "");
  }
  void put(const std::string& path, const std::string& text) const { test::write_file(dir_ / ("cg" + path), text); }
  // As systemd marks a group, which only root can; else it is the owner's.
  void delegate(const std::string& path) const {
    if (geteuid() == 0) {
      ASSERT_EQ(setxattr((dir_ / ("cg" + path)).c_str(), "trusted.delegate", "1", 1, 0), 0);
    }
  }
  [[nodiscard]] std::string text(const std::string& path) const { return test::read_file(dir_ / ("cg" + path)); }

  test::TempDir dir_;
  sys::Hierarchy hierarchy_;
  OpenControls open_;
};

TEST_F(V2Tree, TellsWhoIsInTheOwnGroup) {
  add_group("/a", "7\n8\n");
  PlaceQuestion question{&hierarchy_, "/a", {7, 8, 9}, "/", Placement::kNested};
  EXPECT_TRUE(read_place_facts(question, open_).holds_only_moved);
  EXPECT_TRUE(read_place_facts(question, open_).own_is_writable);
  EXPECT_FALSE(read_place_facts(question, open_).own_is_root);
  question.moved = {7};
  EXPECT_FALSE(read_place_facts(question, open_).holds_only_moved);
  question.own = "/";
  EXPECT_TRUE(read_place_facts(question, open_).own_is_root);
}

// The root of a container's cgroup namespace takes no controllers beside processes, unlike the true one.
TEST_F(V2Tree, TheTopOfAContainerIsNotTheRoot) {
  put("/cgroup.procs", "1\n7\n");
  put("/cgroup.type", "domain\n");
  PlaceQuestion question{&hierarchy_, "/", {7}, std::nullopt, Placement::kNested};
  EXPECT_FALSE(read_place_facts(question, open_).own_is_root);
  EXPECT_FALSE(can_nest(read_place_facts(question, open_)));
  question.moved = {1, 7};
  const Place place = decide_place(read_place_facts(question, open_), Placement::kNested);
  EXPECT_EQ(place.base, "/");
  EXPECT_TRUE(place.moves_before_enabling);
}

// contract: G16
TEST_F(V2Tree, ReadsTheLimitsOnTheWay) {
  add_group("/outer", "");
  add_group("/outer/inner", "7\n8\n");
  put("/outer/memory.max", "67108864\n");
  put("/outer/pids.max", "100\n");
  put("/outer/inner/memory.max", "max\n");
  const PlaceQuestion question{&hierarchy_, "/outer/inner", {7}, "/", Placement::kNested};
  const HierarchyFacts facts = read_place_facts(question, open_);
  ASSERT_EQ(facts.controls.size(), 3u);
  EXPECT_EQ(facts.controls[0].group, "/outer/inner");
  const Place place = decide_place(facts, Placement::kNested);
  EXPECT_EQ(place.reason, "would_escape_limits");
  EXPECT_EQ(place.evidence, "/outer memory.max 67108864");
  // The ancestor that both have in common goes on holding.
  const PlaceQuestion inside{&hierarchy_, "/outer/inner", {7}, "/outer", Placement::kRoot};
  EXPECT_EQ(decide_place(read_place_facts(inside, open_), Placement::kRoot).base, "/outer");
}

// contract: G16
TEST_F(V2Tree, ALimitThatCameMeanwhileIsSeenThoughItsFileIsHeldOpen) {
  add_group("/outer", "7\n8\n");
  put("/outer/memory.max", "max\n");
  const PlaceQuestion question{&hierarchy_, "/outer", {7}, "/", Placement::kNested};
  const auto reason = [&] { return decide_place(read_place_facts(question, open_), Placement::kNested).reason; };
  EXPECT_EQ(reason(), "");
  std::ofstream(dir_ / "cg/outer/memory.max") << "4096\n";
  EXPECT_EQ(reason(), "would_escape_limits");
  std::ofstream(dir_ / "cg/outer/memory.max") << "max\n";
  EXPECT_EQ(reason(), "");
  // Another group has its name now.
  std::filesystem::rename(dir_ / "cg/outer", dir_ / "cg/before");
  add_group("/outer", "7\n8\n");
  put("/outer/memory.max", "4096\n");
  EXPECT_EQ(reason(), "would_escape_limits");
  std::filesystem::remove_all(dir_ / "cg/outer");
  EXPECT_FALSE(open_.enter(dir_ / "cg/outer").read("memory.max"));
}

TEST_F(V2Tree, LongListsOfProcessesAreReadToTheirEnd) {
  std::string procs;
  std::set<pid_t> all;
  for (pid_t pid = 1; pid <= 3000; ++pid) {
    procs += cat(pid, "\n");
    all.insert(pid);
  }
  add_group("/a", procs);
  PlaceQuestion question{&hierarchy_, "/a", all, "/", Placement::kNested};
  EXPECT_TRUE(read_place_facts(question, open_).holds_only_moved);
  question.moved.erase(3000);
  EXPECT_FALSE(read_place_facts(question, open_).holds_only_moved);
}

TEST_F(V2Tree, TheBaseThatWasAskedForMayBeWrittenAsADirectory) {
  const sys::Host host{dir_ / "proc", dir_ / "sys"};
  const auto base = [&](const std::string& asked) {
    return find_root_base(host, sys::CgroupLayout{{hierarchy_}}, hierarchy_, asked);
  };
  EXPECT_EQ(base("/given"), "/given");
  EXPECT_EQ(base("given/"), "/given");
  EXPECT_EQ(base(dir_ / "cg/given"), "/given");
  EXPECT_EQ(base(dir_ / "cg/given/"), "/given");
  EXPECT_EQ(base(dir_ / "cg"), "/");
  hierarchy_.root = "/docker/ab";
  EXPECT_EQ(base(dir_ / "cg/given"), "/docker/ab/given");
  EXPECT_EQ(base(dir_ / "cg"), "/docker/ab");
}

// v1: each controller has a mount of its own, and the group that is meant is in all of them.
TEST(FindRootBase, ADirectoryOfOneMountNamesTheGroupInEach) {
  const test::TempDir dir;
  const sys::Host host{dir / "proc", dir / "sys"};
  sys::CgroupLayout layout;
  for (const char* name : {"cpu,cpuacct", "memory"}) {
    std::filesystem::create_directories(dir / name);
    sys::Hierarchy hierarchy;
    hierarchy.name = name;
    hierarchy.mount_point = dir / name;
    hierarchy.root = "/";
    layout.hierarchies.push_back(hierarchy);
  }
  std::filesystem::create_directory_symlink("cpu,cpuacct", dir / "cpu");
  for (const sys::Hierarchy& hierarchy : layout.hierarchies) {
    for (const char* asked : {"memory/a/b", "cpu,cpuacct/a/b", "cpu/a/b", "cpu/a/b/"})
      EXPECT_EQ(find_root_base(host, layout, hierarchy, dir / asked), "/a/b") << hierarchy.name << " " << asked;
    // No group of any of them, and surely not one that is called so.
    for (const char* asked : {"", "memories/a", "a"})
      EXPECT_EQ(find_root_base(host, layout, hierarchy, dir / asked), std::nullopt) << hierarchy.name << " " << asked;
  }
}

// contract: G10
TEST_F(V2Tree, SwitchesControllersOnDownThePath) {
  add_group("/base", "");
  add_group("/base/ffrtmp", "");
  put("/cgroup.subtree_control", "cpu memory io pids\n");
  put("/base/cgroup.subtree_control", "memory\n");
  std::vector<std::string> added;
  const Status enabled = enable_controllers(hierarchy_, "/base", {"cpu", "memory"}, added);
  ASSERT_TRUE(enabled) << enabled.error().message;
  EXPECT_EQ(added, std::vector<std::string>{"cpu"});
  EXPECT_EQ(text("/cgroup.subtree_control"), "cpu memory io pids\n");  // nothing to do, nothing written
  EXPECT_TRUE(text("/base/cgroup.subtree_control").starts_with("+cpu"));
  EXPECT_TRUE(text("/base/ffrtmp/cgroup.subtree_control").starts_with("+cpu +memory"));
  ASSERT_TRUE(disable_controllers(hierarchy_, "/base", {"cpu"}));
  EXPECT_TRUE(text("/base/cgroup.subtree_control").starts_with("-cpu"));
  EXPECT_TRUE(text("/base/ffrtmp/cgroup.subtree_control").starts_with("-cpu"));
}

// Where a process came from, controllers have to be off before it can go back: told also of a way that ends halfway.
TEST_F(V2Tree, TellsWhatItSwitchedOnBeforeItFailed) {
  add_group("/base", "");
  std::vector<std::string> added;
  EXPECT_EQ(enable_controllers(hierarchy_, "/base", {"cpu"}, added).error().code, Errc::kGone);  // no "ffrtmp" in it
  EXPECT_EQ(added, std::vector<std::string>{"cpu"});
}

// A job of cpu alone, nested in /base, that is asked for memory too: that controller is switched on later.
TEST_F(V2Tree, WhatALaterLimitSwitchesOnIsSwitchedOffAtTheEnd) {
  const sys::Host host{dir_ / "proc", dir_ / "sys"};
  for (const char* path : {"/base", "/base/ffrtmp", "/base/ffrtmp/job"}) add_group(path, "");
  for (const char* path : {"", "/base", "/base/ffrtmp"}) put(std::string(path) + "/cgroup.subtree_control", "cpu\n");
  put("/base/ffrtmp/job/cpu.max", "50000 100000\n");
  test::write_file(dir_ / "proc/7/stat", "7 (x) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 99 0 0 0 0 0 0 0 0 0 0 0\n");
  test::write_file(dir_ / "proc/7/cgroup", "0::/base/ffrtmp/job\n");
  Governed governed;
  governed.job_id = "job";
  governed.limits.cpu_quota_percent = 50;
  governed.groups = {{"unified", "/base/ffrtmp/job", {"cpu"}, "/base"}};
  governed.members = {{7, 99, {{"unified", "/base"}}, {}, std::nullopt}};
  Limits more = governed.limits;
  more.memory_limit_bytes = 64 << 20;
  Attacher attacher({host, sys::CgroupLayout{{hierarchy_}}, {}});
  const auto changed = attacher.change(governed, {more});
  ASSERT_TRUE(changed) << changed.error().message;
  EXPECT_TRUE(text("/base/cgroup.subtree_control").starts_with("+memory"));
  EXPECT_EQ(changed->governed.groups.front().enabled, (std::vector<std::string>{"cpu", "memory"}));
  (void)attacher.restore(changed->governed);  // a built tree's groups cannot be removed
  for (const char* path : {"/base", "/base/ffrtmp"})
    EXPECT_TRUE(text(std::string(path) + "/cgroup.subtree_control").starts_with("-cpu -memory")) << path;
}

// One that forks faster than its processes are moved: what is left in the group keeps no limit of ours.
TEST_F(V2Tree, WhoCannotBeEmptiedIsLetGoOfItsLimits) {
  const sys::Host host{dir_ / "proc", dir_ / "sys"};
  for (const char* path : {"/base", "/base/ffrtmp", "/base/ffrtmp/job"}) add_group(path, "");
  put("/base/ffrtmp/job/cgroup.procs", "7\n");  // stays, wherever it is moved
  put("/base/ffrtmp/job/cpu.max", "50000 100000\n");
  test::write_file(dir_ / "proc/7/cgroup", "0::/base/ffrtmp/job\n");
  Governed governed;
  governed.job_id = "job";
  governed.limits.cpu_quota_percent = 50;
  governed.groups = {{"unified", "/base/ffrtmp/job", {}, {}}};
  governed.members = {{7, 99, {{"unified", "/base"}}, {}, std::nullopt}};
  Attacher attacher({host, sys::CgroupLayout{{hierarchy_}}, {}});
  const RestoreReport report = attacher.restore(governed);
  EXPECT_TRUE(report.limits_reset);
  ASSERT_FALSE(report.failures.empty());
  EXPECT_NE(report.failures.front().find("keep appearing"), std::string::npos) << report.failures.front();
  EXPECT_TRUE(text("/base/ffrtmp/job/cpu.max").starts_with("max"));
}

// The owner died in the middle of its first attach: its claim tells of no group yet.
TEST_F(V2Tree, FindsWhatADeadOwnerSwitchedOn) {
  for (const char* path : {"/base", "/base/ffrtmp", "/base/ffrtmp/job"}) add_group(path, "");
  put("/base/cgroup.subtree_control", "cpu memory\n");
  const Attacher attacher({{dir_ / "proc", dir_ / "sys"}, sys::CgroupLayout{{hierarchy_}}, {}});
  Governed claimed;
  claimed.job_id = "job";
  claimed.members = {{7, 99, {{"unified", "/base"}}, {}, std::nullopt}};
  const Group nested{"unified", "/base/ffrtmp/job", {"cpu", "memory"}, "/base"};
  const Group at_root{"unified", "/ffrtmp/job", {}, {}};
  Governed found = claimed;
  const sys::Membership now{{"unified", "/base/ffrtmp/job"}};
  attacher.find_groups(found, &now);
  EXPECT_EQ(found.groups, std::vector<Group>{nested});
  found = claimed;
  attacher.find_groups(found, nullptr);
  EXPECT_EQ(found.groups, (std::vector<Group>{nested, at_root}));
  found = claimed;
  const sys::Membership elsewhere{{"unified", "/base"}};
  attacher.find_groups(found, &elsewhere);
  EXPECT_TRUE(found.groups.empty());
}

// Nobody asked for the others of a session to be moved, and beside them the leaf would be of no use.
TEST_F(V2Tree, OnlyTheCallerGoesIntoTheLeafAndOnlyWhenAlone) {
  const sys::Host host{dir_ / "proc", dir_ / "sys"};
  const sys::CgroupLayout layout{{hierarchy_}};
  const std::string self = cat(getpid(), "\n");
  test::write_file(dir_ / "proc/self/cgroup", "0::/unit\n");
  for (const std::string& others : {cat("1\n", self), std::string("1\n"), std::string()}) {
    add_group("/unit", others);
    ASSERT_NO_FATAL_FAILURE(delegate("/unit"));
    EXPECT_FALSE(enter_daemon_leaf(host, layout).value_or(true)) << others;
    EXPECT_FALSE(std::filesystem::exists(dir_ / "cg/unit/daemon")) << others;
  }
  add_group("/unit", self);
  add_group("/unit/daemon", "");
  EXPECT_TRUE(enter_daemon_leaf(host, layout).value_or(false));
  EXPECT_EQ(text("/unit/daemon/cgroup.procs"), cat(getpid()));
}

TEST_F(V2Tree, MakesParentsAndRefusesATakenName) {
  const auto made = make_job_dir(hierarchy_, "/", "job");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(std::filesystem::is_directory(dir_ / "cg/ffrtmp/job"));
  EXPECT_TRUE(make_job_dir(hierarchy_, "/", "beside"));
  EXPECT_TRUE(make_job_dir(hierarchy_, "/a/b", "job"));
  EXPECT_TRUE(std::filesystem::is_directory(dir_ / "cg/a/b/ffrtmp/job"));
  put("/ffrtmp/job/cgroup.procs", "12\n");
  EXPECT_EQ(make_job_dir(hierarchy_, "/", "job").error().code, Errc::kNodeBusy);
  EXPECT_EQ(job_path("/a", "b"), "/a/ffrtmp/b");
  EXPECT_EQ(job_path("/", "b"), "/ffrtmp/b");
  for (const char* base : {"/", "/a", "/ffrtmp", "/a/ffrtmp/b"}) EXPECT_EQ(base_of(job_path(base, "ffrtmp")), base);
}

TEST_F(V2Tree, V1CpusetsAreHandedDown) {
  hierarchy_.version = CgroupVersion::kV1;
  hierarchy_.controllers = {"cpuset", "cpu"};
  put("/cpuset.cpus", "0-3\n");
  put("/cpuset.mems", "0\n");
  for (const char* path : {"/ffrtmp", "/ffrtmp/job"})
    for (const char* file : {"/cpuset.cpus", "/cpuset.mems"}) put(std::string(path) + file, "");
  std::filesystem::remove_all(dir_ / "cg/ffrtmp/job/cgroup.procs");
  put("/ffrtmp/cpuset.cpus", "0-3");
  put("/ffrtmp/cpuset.mems", "0");
  ASSERT_TRUE(make_job_dir(hierarchy_, "/", "job"));
  EXPECT_EQ(text("/ffrtmp/job/cpuset.cpus"), "0-3");
  EXPECT_EQ(text("/ffrtmp/job/cpuset.mems"), "0");
}

}  // namespace
}  // namespace ffrtmp::govern
