#include "sys/exec_gate.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "tests/support/temp_dir.h"

namespace ffrtmp::sys {
namespace {

namespace fs = std::filesystem;

// The child lets go of `gate`: held by the one it would be let go by, it would wait for ever.
pid_t run(const std::string& program, int gate = -1) {
  const pid_t pid = fork();
  if (pid == 0) {
    close(gate);
    execl(program.c_str(), "x", nullptr);
    _exit(127);
  }
  return pid;
}

bool has_ended(pid_t pid, int patience_ms, int* status) {
  for (int i = 0; i * 10 <= patience_ms; ++i) {
    if (waitpid(pid, status, WNOHANG) == pid) return true;
    usleep(10'000);
  }
  return false;
}

TEST(ExecGate, HoldsWhatIsMarkedUntilItIsAllowed) {
  auto gate = ExecGate::open();
  if (!gate) GTEST_SKIP() << "no permission events: " << gate.error().message;
  const test::TempDir dir;
  fs::copy_file("/bin/true", dir / "marked");
  fs::copy_file("/bin/true", dir / "free");
  const auto file = gate->mark(dir / "marked");
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_TRUE(gate->mark(dir / "marked")) << "again";
  int status = 0;
  EXPECT_TRUE(has_ended(run(dir / "free"), 5000, &status)) << "others are not held";
  const pid_t pid = run(dir / "marked");
  pollfd item{gate->fd(), POLLIN, 0};
  ASSERT_GT(poll(&item, 1, 5000), 0);
  const auto held = gate->take();
  ASSERT_TRUE(held);
  ASSERT_EQ(held->size(), 1u);
  EXPECT_EQ(held->front().pid, pid);
  EXPECT_EQ(held->front().file, *file);
  EXPECT_EQ(held->front().path, dir / "marked");
  EXPECT_FALSE(has_ended(pid, 100, &status));
  gate->allow(held->front());
  EXPECT_TRUE(has_ended(pid, 5000, &status));
  EXPECT_EQ(status, 0);
}

TEST(ExecGate, ItsEndLetsEverybodyGo) {
  auto opened = ExecGate::open();
  if (!opened) GTEST_SKIP() << "no permission events: " << opened.error().message;
  const test::TempDir dir;
  fs::copy_file("/bin/true", dir / "marked");
  std::optional<ExecGate> gate = std::move(*opened);
  ASSERT_TRUE(gate->mark(dir / "marked"));
  EXPECT_FALSE(gate->mark(dir / "none"));
  const pid_t pid = run(dir / "marked", gate->fd());
  int status = 0;
  EXPECT_FALSE(has_ended(pid, 100, &status));
  gate.reset();
  EXPECT_TRUE(has_ended(pid, 5000, &status));
}

}  // namespace
}  // namespace ffrtmp::sys
