#include "media/run_tool.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "base/text.h"
#include "sys/spawn.h"

namespace ffrtmp::media {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kErrTailBytes = 64 * 1024;
constexpr std::size_t kMaxOutBytes = std::size_t{1} << 30;
constexpr std::chrono::milliseconds kCancelLook{50};

struct Pipe {
  sys::Fd read;
  sys::Fd write;
};

Result<Pipe> open_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return last_sys_error("pipe2");
  Pipe out{sys::Fd(ends[0]), sys::Fd(ends[1])};
  if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return last_sys_error("fcntl");
  return out;
}

// The child and what it leads, killed and reaped at the latest with this object.
class Running {
 public:
  explicit Running(sys::Child child) : child_(std::move(child)) {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    if (!reaped_) static_cast<void>(finish());
  }
  [[nodiscard]] int pidfd() const { return child_.pidfd.get(); }
  // Ends whatever is left of the session's group, then reaps: until then the pid cannot be another's.
  int finish() {
    kill(-child_.pid, SIGKILL);
    kill(child_.pid, SIGKILL);
    siginfo_t info{};
    while (waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(child_.pidfd.get()), &info, WEXITED) != 0 &&
           errno == EINTR) {
    }
    reaped_ = true;
    return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
  }

 private:
  sys::Child child_;
  bool reaped_ = false;
};

// Reads what is there. False at the end of the stream.
bool drain(int fd, std::string& into, std::size_t keep_tail) {
  std::array<char, 64 * 1024> buffer;
  for (;;) {
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
    into.append(buffer.data(), static_cast<std::size_t>(got));
    if (keep_tail > 0 && into.size() > 2 * keep_tail) into.erase(0, into.size() - keep_tail);
    if (keep_tail == 0 && into.size() > kMaxOutBytes) return false;
  }
}

struct Streams {
  Pipe out;
  Pipe err;
};

// Until the child has exited and its output is read. What is left open by a grandchild is not waited for.
Status pump(Running& running, Streams& streams, ToolResult& result, SteadyClock::time_point end,
            const std::atomic<bool>* canceled) {
  for (;;) {
    std::array<pollfd, 3> fds{pollfd{streams.out.read.get(), POLLIN, 0}, pollfd{streams.err.read.get(), POLLIN, 0},
                              pollfd{running.pidfd(), POLLIN, 0}};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - SteadyClock::now());
    if (left.count() <= 0) return make_error(Errc::kTimeout, "timed out");
    if (canceled != nullptr && canceled->load()) return make_error(Errc::kUnavailable, "canceled");
    const auto wait = canceled == nullptr ? left : std::min(left, kCancelLook);
    if (poll(fds.data(), fds.size(), static_cast<int>(wait.count()) + 1) < 0 && errno != EINTR)
      return last_sys_error("poll");
    if (streams.out.read && !drain(streams.out.read.get(), result.out, 0)) streams.out.read.reset();
    if (streams.err.read && !drain(streams.err.read.get(), result.err, kErrTailBytes)) streams.err.read.reset();
    if (result.out.size() > kMaxOutBytes) return make_error(Errc::kTooLarge, "writes too much");
    if ((fds[2].revents & POLLIN) == 0) continue;
    if (streams.out.read) drain(streams.out.read.get(), result.out, 0);
    if (streams.err.read) drain(streams.err.read.get(), result.err, kErrTailBytes);
    return {};
  }
}

Result<ToolResult> run_once(const ToolSettings& settings, const std::vector<std::string>& argv,
                            std::chrono::milliseconds timeout) {
  Streams streams;
  FFRTMP_ASSIGN(streams.out, open_pipe());
  FFRTMP_ASSIGN(streams.err, open_pipe());
  sys::Command command;
  command.argv = argv;
  command.env = settings.env.empty() ? sys::own_environment() : settings.env;
  command.fds = {{1, streams.out.write.get()}, {2, streams.err.write.get()}};
  command.nice = settings.nice;
  command.cgroup_dir = settings.cgroup_dir;
  command.die_with_parent = true;
  const auto end = SteadyClock::now() + timeout;
  FFRTMP_ASSIGN(sys::Child child, sys::spawn(command));
  Running running(std::move(child));
  streams.out.write.reset();
  streams.err.write.reset();
  ToolResult result;
  FFRTMP_TRY(pump(running, streams, result, end, settings.canceled));
  result.exit_code = running.finish();
  if (result.err.size() > kErrTailBytes) result.err.erase(0, result.err.size() - kErrTailBytes);
  return result;
}

}  // namespace

RunTool make_run_tool(ToolSettings settings) {
  return [settings = std::move(settings)](const std::vector<std::string>& argv,
                                          std::chrono::milliseconds timeout) -> Result<ToolResult> {
    auto result = run_once(settings, argv, timeout);
    if (!result)
      return std::move(result).error().within(argv.empty() ? std::string_view("tool") : std::string_view(argv.front()));
    return result;
  };
}

}  // namespace ffrtmp::media
