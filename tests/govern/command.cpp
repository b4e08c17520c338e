#include "tests/govern/command.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "base/text.h"
#include "json/json.h"
#include "sys/file_io.h"
#include "sys/pid_fd.h"
#include "sys/proc_fs.h"

extern char** environ;

namespace ffrtmp::test {
namespace {

int reap(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

std::string binary() {
  const char* carried = std::getenv("FFRTMP_BINARY");
  return carried != nullptr ? carried : cat(FFRTMP_BINARY_DIR, "/ffrtmp");
}

Started::Started(const std::vector<std::string>& arguments, const std::string& runtime_dir,
                 const std::vector<std::string>& before) {
  sys::Command command;
  command.argv = before.empty() ? std::vector{binary()} : before;
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  for (char** variable = environ; *variable != nullptr; ++variable) command.env.emplace_back(*variable);
  command.env.push_back("FFRTMP_RUNTIME_DIR=" + runtime_dir);
  const sys::Fd out(open((dir_ / "out").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600));
  const sys::Fd err(open((dir_ / "err").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600));
  command.fds = {{1, out.get()}, {2, err.get()}};
  auto child = sys::spawn(command);
  EXPECT_TRUE(child) << child.error().message;
  if (child) child_ = std::move(*child);
}

Started::~Started() {
  if (reaped_ || child_.pid == 0) return;
  kill(child_.pid, SIGKILL);
  reap(child_.pid);
}

void Started::send(int signal) const { kill(child_.pid, signal); }

std::string Started::err() const { return read_file(dir_ / "err"); }

void Started::wait_for(const std::string& text) const {
  for (int i = 0; i < 3000 && err().find(text) == std::string::npos; ++i) usleep(10'000);
  EXPECT_NE(err().find(text), std::string::npos) << err();
}

void Started::wait_for_child(const std::string& comm) const {
  for (int i = 0; i < 3000; ++i) {
    const auto below = sys::read_descendants(sys::Host::real(), child_.pid);
    for (const sys::ProcStat& stat : *below)
      if (stat.comm == comm) return;
    usleep(10'000);
  }
  ADD_FAILURE() << "no child " << comm << ": " << err();
}

Ran Started::finish(std::chrono::milliseconds patience) {
  EXPECT_TRUE(sys::wait_ended(child_.pidfd, patience)) << err();
  if (!sys::wait_ended(child_.pidfd, std::chrono::milliseconds(0))) kill(child_.pid, SIGKILL);
  reaped_ = true;
  const int code = reap(child_.pid);
  return {code, read_file(dir_ / "out"), read_file(dir_ / "err")};
}

Ran run_ffrtmp(const std::vector<std::string>& arguments, const std::string& runtime_dir) {
  return Started(arguments, runtime_dir).finish();
}

govern::JobResult document_of(const Ran& ran) {
  auto result = json::decode<govern::JobResult>(ran.out, json::UnknownKeys::kReject);
  EXPECT_TRUE(result) << result.error().message << "\n" << ran.out << ran.err;
  return result ? *result : govern::JobResult{};
}

void wait_for_file(const std::string& path) {
  for (int i = 0; i < 3000 && !std::filesystem::exists(path); ++i) usleep(10'000);
  EXPECT_TRUE(std::filesystem::exists(path)) << path;
}

Workload::Workload(const std::string& script) {
  sys::Command command;
  command.argv = {"/bin/sh", "-c", script};
  auto child = sys::spawn(command);
  EXPECT_TRUE(child) << child.error().message;
  if (child) child_ = std::move(*child);
}

Workload::~Workload() {
  if (child_.pid == 0) return;
  kill(-child_.pid, SIGKILL);  // it leads a group of its own
  reap(child_.pid);
}

bool Workload::is_alive() const { return !sys::wait_ended(child_.pidfd, std::chrono::milliseconds(0)); }

}  // namespace ffrtmp::test
