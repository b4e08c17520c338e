// Limits of jobs, as the kernel has them while the real ffmpeg runs under them.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/text.h"
#include "sys/file_io.h"
#include "tests/e2e/box.h"
#include "tests/support/small_disk.h"

namespace ffrtmp::test {
namespace {

using namespace std::chrono_literals;

// Text of the first of these control files that the process's group has; v1 names first. The mount points are Debian's.
std::string control_of(pid_t pid, const std::string& v1_controller, const std::string& v1_file,
                       const std::string& v2_file) {
  const std::string cgroups = sys::read_text(cat("/proc/", pid, "/cgroup")).value_or("");
  std::string v1_path;
  std::string v2_path;
  for (const std::string_view line : split(cgroups, '\n')) {
    const auto parts = split(line, ':');
    if (parts.size() != 3) continue;
    for (const std::string_view controller : split(parts[1], ','))
      if (controller == v1_controller) v1_path = parts[2];
    if (parts[0] == "0") v2_path = parts[2];
  }
  for (const std::string& file :
       {cat("/sys/fs/cgroup/", v1_controller, v1_path, "/", v1_file), cat("/sys/fs/cgroup", v2_path, "/", v2_file)})
    if (const auto text = sys::read_text(file)) return std::string(trim(*text));
  return cat("no ", v1_file, " for ", pid, ": ", cgroups);
}

bool may_limit() { return geteuid() == 0; }

// The one ffmpeg among the attempt's processes.
pid_t wait_for_engine(const Box& box) {
  pid_t engine = 0;
  EXPECT_TRUE(eventually([&] {
    for (const pid_t pid : box.engine_processes()) {
      std::error_code error;
      if (std::filesystem::read_symlink(cat("/proc/", pid, "/exe"), error).filename() == "ffmpeg") engine = pid;
    }
    return engine != 0;
  }));
  return engine;
}

// Ticks of CPU (user and system) that the process has used; sysconf(_SC_CLK_TCK) a second.
std::int64_t cpu_ticks(pid_t pid) {
  const std::string stat = sys::read_text(cat("/proc/", pid, "/stat")).value_or("");
  const auto fields = split(std::string_view(stat).substr(stat.rfind(')') + 2), ' ');
  return parse_int(fields.at(11)).value_or(0) + parse_int(fields.at(12)).value_or(0);
}

TEST(Limits, AJobRunsUnderItsLimitsFromItsFirstInstruction) {
  if (!may_limit()) GTEST_SKIP() << "limits need root";
  Box box;
  box.start_master();
  box.start_worker();
  box.wait_for_nodes(1);
  const auto number = box.submit(box.clip(60), box.path("out.mp4"), R"(,"preset":"medium")",
                                 R"(,"resource_limits":{"max_cpu_percent":40,"max_memory_mb":700,"cpu_weight":50,)"
                                 R"("pids_max":300})");
  const pid_t engine = wait_for_engine(box);
  const std::string quota = control_of(engine, "cpu", "cpu.cfs_quota_us", "cpu.max");
  EXPECT_TRUE(quota == "40000" || quota == "40000 100000") << quota;
  EXPECT_EQ(control_of(engine, "memory", "memory.limit_in_bytes", "memory.max"), "734003200");
  const std::string weight = control_of(engine, "cpu", "cpu.shares", "cpu.weight");
  EXPECT_TRUE(weight == "512" || weight == "50") << weight;
  EXPECT_EQ(control_of(engine, "pids", "pids.max", "pids.max"), "300");

  const std::int64_t before = cpu_ticks(engine);
  std::this_thread::sleep_for(3s);
  const double cpus = static_cast<double>(cpu_ticks(engine) - before) / static_cast<double>(sysconf(_SC_CLK_TCK)) / 3;
  EXPECT_GT(cpus, 0.1);
  EXPECT_LT(cpus, 0.5) << "the quota holds";

  ASSERT_EQ(box.http("POST", cat("/api/v1/jobs/", number, "/cancel"), R"({"grace_seconds":0})").status, 202);
  box.wait_end(number);
  EXPECT_TRUE(eventually([&] { return box.engine_processes().empty(); }));
  const auto detail = box.http("GET", cat("/api/v1/jobs/", number)).body;
  for (const char* limit : {"cpu_quota", "cpu_weight", "memory_limit", "pids_max"})
    EXPECT_NE(detail.find(cat(R"("limit":")", limit, R"(","status":"applied")")), std::string::npos) << detail;
}

TEST(Limits, AJobWithoutALimitMayTakeTheShareOfItsSlot) {
  if (!may_limit()) GTEST_SKIP() << "limits need root";
  Box box;
  box.start_master();
  box.start_worker("w1", {"--max-concurrent-jobs", "2"});
  box.wait_for_nodes(1);
  const auto number = box.submit(box.clip(60), box.path("out.mp4"), R"(,"preset":"medium")");
  const auto limit = parse_int(control_of(wait_for_engine(box), "memory", "memory.limit_in_bytes", "memory.max"));
  const std::string meminfo = sys::read_text("/proc/meminfo").value_or("");
  const double total_kib = std::strtod(meminfo.c_str() + std::string_view("MemTotal:").size(), nullptr);
  ASSERT_TRUE(limit);
  EXPECT_NEAR(static_cast<double>(*limit), total_kib * 1024 * 0.8 / 2, total_kib * 1024 * 0.01);
  ASSERT_EQ(box.http("POST", cat("/api/v1/jobs/", number, "/cancel"), R"({"grace_seconds":0})").status, 202);
  box.wait_end(number);
}

// contract: F44
TEST(Limits, AnEngineReachesItsInputAndItsOutputAlone) {
  if (syscall(SYS_landlock_create_ruleset, nullptr, 0, 1) <= 0) GTEST_SKIP() << "this kernel has no Landlock";
  Box box;
  // An engine that was taken over by its input, and tells what it can get at.
  std::filesystem::create_directory(box.path("bin"));
  write_file(box.path("secret"), "the secret");
  write_file(box.path("theirs.mp4"), "theirs");
  write_file(box.path("bin/ffmpeg"), cat("#!/bin/sh\ncase \"$*\" in *-progress*) ;; *) exec ffmpeg \"$@\" ;; esac\n"
                                         "cat ",
                                         box.path("secret"),
                                         " /etc/shadow /proc/1/environ >&2\n"
                                         "echo mine > ",
                                         box.path("theirs.mp4"),
                                         "\n"
                                         "echo x > /dev/kmsg\necho x > ",
                                         box.path("new.mp4"),
                                         "\n"
                                         "exec ffmpeg \"$@\"\n"));
  std::filesystem::permissions(box.path("bin/ffmpeg"), std::filesystem::perms::owner_all);
  box.start_master();
  box.start_worker("w1", {"--ffmpeg", box.path("bin/ffmpeg")});
  box.wait_for_nodes(1);
  const auto job = box.wait_end(box.submit(box.clip(1), box.path("out.mp4")));
  const std::string log = box.http("GET", cat("/api/v1/jobs/", job.sequence_number, "/logs")).body;
  EXPECT_EQ(log.find("the secret"), std::string::npos) << log;
  for (const std::string& path : {box.path("secret"), std::string("/etc/shadow"), std::string("/proc/1/environ")})
    EXPECT_NE(log.find(cat(path, ": Permission denied")), std::string::npos) << path << ": " << log;
  EXPECT_NE(log.find("/dev/kmsg: Permission denied"), std::string::npos) << log;
  EXPECT_EQ(read_file(box.path("theirs.mp4")), "theirs");
  EXPECT_FALSE(std::filesystem::exists(box.path("new.mp4")));
  EXPECT_TRUE(std::filesystem::exists(box.path("out.mp4"))) << "its work it can do: " << job.error.value_or("");
}

// What looks at a job's media is handed the same files of strangers.
// contract: F44
TEST(Limits, AProbeReachesItsFileAloneAndHoldsNoMoreMemoryThanTheJob) {
  if (syscall(SYS_landlock_create_ruleset, nullptr, 0, 1) <= 0) GTEST_SKIP() << "this kernel has no Landlock";
  Box box;
  std::filesystem::create_directory(box.path("bin"));
  write_file(box.path("secret"), "the secret");
  const auto probe_that = [&](const std::string& script) {
    write_file(box.path("bin/ffprobe"), cat("#!/bin/sh\n", script, "exit 1\n"));
    std::filesystem::permissions(box.path("bin/ffprobe"), std::filesystem::perms::owner_all);
  };
  // The last line of its complaints is the job's error.
  probe_that(cat("cat ", box.path("secret"), " > /dev/null 2>&1 && read=yes\n", "echo x 2>/dev/null > ",
                 box.path("new.mp4"), " && wrote=yes\n",
                 "echo \"read:$read wrote:$wrote data:$(ulimit -d) home:$HOME\" >&2\n"));
  box.start_master();
  box.start_worker("w1", {"--ffprobe", box.path("bin/ffprobe")});
  box.wait_for_nodes(1);
  const std::string limits = R"(,"max_retries":0,"resource_limits":{"max_memory_mb":700})";
  const auto looked = box.wait_end(box.submit(box.clip(1), box.path("out.mp4"), "", limits));
  EXPECT_EQ(looked.error.value_or(""), "input: read: wrote: data:716800 home:/nonexistent");
  EXPECT_FALSE(std::filesystem::exists(box.path("new.mp4")));

  probe_that("echo 'in.mp4: Cannot allocate memory' >&2\n");
  const auto starved = box.wait_end(box.submit(box.clip(1), box.path("out.mp4"), "", limits));
  EXPECT_EQ(starved.failure_reason, model::FailureReason::kResourceError);
  EXPECT_NE(starved.error.value_or("").find("needs more than 700 MiB"), std::string::npos)
      << starved.error.value_or("");
}

// contract: F47
TEST(Limits, AFullDiskIsNamedBeforeAndDuringAJob) {
  if (!may_limit()) GTEST_SKIP() << "mounting needs root";
  Box box;
  SmallDisk disk(box.path("small"), "2m");
  box.start_master();
  box.start_worker();
  box.wait_for_nodes(1);
  const auto during =
      box.wait_end(box.submit(box.clip(20), box.path("small/out.mp4"), R"(,"bitrate":"4M")", R"(,"max_retries":0)"));
  EXPECT_EQ(during.status, model::JobState::kFailed);
  EXPECT_EQ(during.failure_reason, model::FailureReason::kPlatformError) << during.error.value_or("");
  EXPECT_NE(during.error.value_or("").find("No space left on device"), std::string::npos) << during.error.value_or("");
  EXPECT_TRUE(std::filesystem::is_empty(box.path("small"))) << "what was made of it went with it";

  const auto space = std::filesystem::space(box.path("small"));
  EXPECT_TRUE(eventually([&] { return std::filesystem::space(box.path("small")).free == space.capacity; }))
      << "the engine's descriptors are closed";
  write_file(box.path("small/much"), std::string(space.capacity / 100 * 97, 'x'));
  const auto before = box.wait_end(box.submit(box.clip(1), box.path("small/out.mp4"), "", R"(,"max_retries":0)"));
  EXPECT_EQ(before.failure_reason, model::FailureReason::kPlatformError);
  EXPECT_NE(before.error.value_or("").find("% full"), std::string::npos) << before.error.value_or("");
}

// A kill by the kernel is told from a crash: what it says is what to change.
TEST(Limits, TooLittleMemoryIsAResourceErrorThatNamesTheLimit) {
  if (!may_limit()) GTEST_SKIP() << "limits need root";
  Box box;
  box.start_master();
  box.start_worker();
  box.wait_for_nodes(1);
  const auto number =
      box.submit(box.clip(5), box.path("out.mp4"), "", R"(,"max_retries":0,"resource_limits":{"max_memory_mb":16})");
  const api::Job job = box.wait_end(number);
  EXPECT_EQ(job.status, model::JobState::kFailed);
  EXPECT_EQ(job.failure_reason, model::FailureReason::kResourceError);
  EXPECT_NE(job.error.value_or("").find("max_memory_mb 16"), std::string::npos) << job.error.value_or("");
  EXPECT_NE(box.http("GET", cat("/api/v1/jobs/", number)).body.find(R"("oom_killed":true)"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(box.path("out.mp4")));
}

}  // namespace
}  // namespace ffrtmp::test
