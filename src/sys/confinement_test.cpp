#include "sys/confinement.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/text.h"
#include "sys/spawn.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::sys {
namespace {

// Asked of the kernel itself: landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION).
bool has_landlock() { return syscall(SYS_landlock_create_ruleset, nullptr, 0, 1) > 0; }

class Confined : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_landlock()) GTEST_SKIP() << "this kernel has no Landlock";
    for (const char* dir : {"in", "out", "tree", "secret"}) std::filesystem::create_directory(dir_ / dir);
    test::write_file(dir_ / "in/a", "input");
    test::write_file(dir_ / "out/mine", "");
    test::write_file(dir_ / "out/other", "theirs");
    test::write_file(dir_ / "secret/s", "secret");
    confinement_.read = {"/bin", "/lib", "/lib64", "/usr", "/etc/ld.so.cache", dir_ / "in/a", dir_ / "absent"};
    confinement_.write = {dir_ / "out/mine", "/dev/null"};
    confinement_.write_tree = {dir_ / "tree"};
  }
  // Exit code of the script, confined.
  int run(const std::string& script) const {
    auto ruleset = make_ruleset(confinement_);
    EXPECT_TRUE(ruleset) << ruleset.error().message;
    Command command;
    command.argv = {"/bin/sh", "-c", script};
    command.env = {"PATH=/usr/bin:/bin"};
    command.cwd = dir_.path();
    command.ruleset_fd = ruleset->get();
    const auto child = spawn(command);
    EXPECT_TRUE(child) << child.error().message;
    if (!child) return -1;
    int status = 0;
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  test::TempDir dir_;
  Confinement confinement_;
};

TEST_F(Confined, ReadsWhatIsNamedAndNothingElse) {
  EXPECT_EQ(run("test \"$(cat in/a)\" = input"), 0);
  EXPECT_NE(run("cat secret/s"), 0);
  EXPECT_NE(run("cat in/../secret/s"), 0);
  EXPECT_NE(run("ls in"), 0) << "the file was named, not its directory";
  EXPECT_NE(run("cat /etc/shadow"), 0);
  EXPECT_NE(run("echo x > in/a"), 0);
  std::filesystem::create_symlink(dir_ / "secret/s", dir_ / "tree/link");
  EXPECT_NE(run("cat tree/link"), 0) << "a link leads nowhere else";
}

TEST_F(Confined, WritesTheNamedFileOnly) {
  EXPECT_EQ(run("echo made > out/mine"), 0);
  EXPECT_EQ(test::read_file(dir_ / "out/mine"), "made\n");
  EXPECT_NE(run("echo x > out/other"), 0);
  EXPECT_NE(run("echo x > out/new"), 0);
  EXPECT_NE(run("rm out/other"), 0);
  EXPECT_NE(run("mv out/mine out/other"), 0);
  EXPECT_EQ(test::read_file(dir_ / "out/other"), "theirs");
}

TEST_F(Confined, MakesAndRemovesInATree) {
  EXPECT_EQ(run("mkdir tree/d && echo x > tree/d/f && mv tree/d/f tree/g && rm tree/g && rmdir tree/d"), 0);
  EXPECT_NE(run("ln -s /etc tree/l"), 0);
  EXPECT_NE(run("mkfifo tree/p"), 0);
}

TEST_F(Confined, ItsChildrenAreConfinedToo) { EXPECT_NE(run("sh -c 'sh -c \"cat secret/s\"'"), 0); }

TEST(Confinement, IsThereWhereTheKernelSaysSo) {
  const auto ruleset = make_ruleset({});
  EXPECT_EQ(ruleset.has_value(), has_landlock());
  EXPECT_TRUE(ruleset || ruleset.error().code == Errc::kUnsupported);
}

}  // namespace
}  // namespace ffrtmp::sys
