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
constexpr std::size_t kMaxOutBytes = std::size_t{64} << 20;
// Of what is handed on: some 40 million packets by ffprobe's lines.
constexpr std::size_t kMaxTakenBytes = std::size_t{4} << 30;
constexpr std::chrono::milliseconds kCancelLook{50};

// Of ffmpeg, and of C++ libraries in it.
bool wants_memory(std::string_view complaints) {
  return complaints.find("Cannot allocate memory") != std::string_view::npos ||
         complaints.find("bad_alloc") != std::string_view::npos;
}

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

// Where the bytes of a tool go.
class Collector {
 public:
  Collector(ToolResult& result, const TakeOutput& take) : result_(result), take_(take) {}

  bool out(std::string_view piece) {
    out_bytes_ += piece.size();
    if (out_bytes_ > (take_ ? kMaxTakenBytes : kMaxOutBytes))
      status_ = make_error(Errc::kTooLarge, "writes too much");
    else if (take_)
      status_ = take_(piece);
    else
      result_.out += piece;
    return static_cast<bool>(status_);
  }
  bool err(std::string_view piece) {
    result_.err += piece;
    if (result_.err.size() > 2 * kErrTailBytes) result_.err.erase(0, result_.err.size() - kErrTailBytes);
    return true;
  }
  // Why no more output is wanted.
  [[nodiscard]] const Status& status() const { return status_; }

 private:
  ToolResult& result_;
  const TakeOutput& take_;
  std::size_t out_bytes_ = 0;
  Status status_;
};

// Reads what is there. False at the end of the stream, and when `take` wants no more.
template <class Take>
bool drain(int fd, Take take) {
  std::array<char, 64 * 1024> buffer;
  for (;;) {
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    if (got == 0 || !take(std::string_view(buffer.data(), static_cast<std::size_t>(got)))) return false;
  }
}

struct Streams {
  Pipe out;
  Pipe err;
};

// Until the child has exited and its output is read. What is left open by a grandchild is not waited for.
Status pump(Running& running, Streams& streams, Collector& collector, SteadyClock::time_point end,
            const std::atomic<bool>* canceled) {
  const auto out = [&](std::string_view piece) { return collector.out(piece); };
  const auto err = [&](std::string_view piece) { return collector.err(piece); };
  for (;;) {
    std::array<pollfd, 3> fds{pollfd{streams.out.read.get(), POLLIN, 0}, pollfd{streams.err.read.get(), POLLIN, 0},
                              pollfd{running.pidfd(), POLLIN, 0}};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - SteadyClock::now());
    if (left.count() <= 0) return make_error(Errc::kTimeout, "timed out");
    if (canceled != nullptr && canceled->load()) return make_error(Errc::kUnavailable, "canceled");
    const auto wait = canceled == nullptr ? left : std::min(left, kCancelLook);
    if (poll(fds.data(), fds.size(), static_cast<int>(wait.count()) + 1) < 0 && errno != EINTR)
      return last_sys_error("poll");
    if (streams.out.read && !drain(streams.out.read.get(), out)) streams.out.read.reset();
    if (streams.err.read && !drain(streams.err.read.get(), err)) streams.err.read.reset();
    FFRTMP_TRY(collector.status());
    if ((fds[2].revents & POLLIN) == 0) continue;
    if (streams.out.read) drain(streams.out.read.get(), out);
    if (streams.err.read) drain(streams.err.read.get(), err);
    return collector.status();
  }
}

Result<ToolResult> run_once(const ToolSettings& settings, const std::vector<std::string>& argv,
                            std::chrono::milliseconds timeout, const TakeOutput& take) {
  Streams streams;
  FFRTMP_ASSIGN(streams.out, open_pipe());
  FFRTMP_ASSIGN(streams.err, open_pipe());
  sys::Command command;
  command.argv = argv;
  command.env = settings.env.empty() ? sys::own_environment() : settings.env;
  command.fds = {{1, streams.out.write.get()}, {2, streams.err.write.get()}};
  command.nice = settings.nice;
  command.max_data_bytes = settings.max_data_bytes;
  command.die_with_parent = true;
  sys::Fd ruleset;
  if (settings.reach) {
    FFRTMP_ASSIGN(ruleset, sys::make_ruleset(*settings.reach));
  }
  command.ruleset_fd = ruleset.get();
  const auto end = SteadyClock::now() + timeout;
  FFRTMP_ASSIGN(sys::Child child, sys::spawn(command));
  Running running(std::move(child));
  streams.out.write.reset();
  streams.err.write.reset();
  ToolResult result;
  Collector collector(result, take);
  FFRTMP_TRY(pump(running, streams, collector, end, settings.canceled));
  result.exit_code = running.finish();
  if (settings.max_data_bytes && wants_memory(result.err))  // at which ffmpeg may well exit 0
    return sys_error(cat("needs more than ", *settings.max_data_bytes >> 20, " MiB"), ENOMEM);
  if (result.err.size() > kErrTailBytes) result.err.erase(0, result.err.size() - kErrTailBytes);
  return result;
}

}  // namespace

RunTool make_run_tool(ToolSettings settings) {
  return [settings = std::move(settings)](const std::vector<std::string>& argv, std::chrono::milliseconds timeout,
                                          const TakeOutput& take) -> Result<ToolResult> {
    auto result = run_once(settings, argv, timeout, take);
    if (!result)
      return std::move(result).error().within(argv.empty() ? std::string_view("tool") : std::string_view(argv.front()));
    return result;
  };
}

}  // namespace ffrtmp::media
