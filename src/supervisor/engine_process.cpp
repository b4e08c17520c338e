#include "supervisor/engine_process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

#include "base/log.h"
#include "base/text.h"
#include "sys/confinement.h"

namespace ffrtmp::supervisor {
namespace {

constexpr int kProgressFd = 3;               // of the engine
constexpr int kOutputPipeBytes = 256 << 10;  // fewer wakeups under a flood; a wish, the kernel may refuse
constexpr std::size_t kReadBytes = 64 << 10;
constexpr int kReadsPerTurn = 16;  // so that a flood starves no request

char g_buffer[kReadBytes];  // static: it is touched only when the engine says something

struct Pipe {
  sys::Fd read;
  sys::Fd write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return last_sys_error("pipe");
  Pipe pipe{sys::Fd(ends[0]), sys::Fd(ends[1])};
  fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK);  // our end only: the engine's writes wait
  return pipe;
}

std::vector<std::string> with_progress(std::vector<std::string> argv) {
  constexpr std::string_view kPlaceholder = "{progress}";
  for (std::string& item : argv)
    if (const auto at = item.find(kPlaceholder); at != std::string::npos)
      item.replace(at, kPlaceholder.size(), cat("pipe:", kProgressFd));
  return argv;
}

// An unprivileged process can only become nicer.
std::optional<int> nice_for(const Plan& plan) {
  if (geteuid() != 0 && getpriority(PRIO_PROCESS, 0) >= plan.nice) return std::nullopt;
  return plan.nice;
}

// Reads a turn's worth of `fd`, closing it at its end; true when there was anything.
template <class Take>
bool drain(sys::Fd& fd, Take take) {
  bool any = false;
  for (int turn = 0; fd && turn < kReadsPerTurn; ++turn) {
    const ssize_t n = read(fd.get(), g_buffer, sizeof g_buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n <= 0) {
      fd.reset();
      break;
    }
    any = true;
    take(std::string_view(g_buffer, static_cast<std::size_t>(n)));
  }
  return any;
}

}  // namespace

Result<EngineProcess> EngineProcess::start(const sys::Host& host, pid_t self, const Plan& plan, BirthGroups& groups) {
  FFRTMP_ASSIGN(Pipe output, make_pipe());
  FFRTMP_ASSIGN(Pipe progress, make_pipe());
  fcntl(output.read.get(), F_SETPIPE_SZ, kOutputPipeBytes);

  sys::Fd ruleset;
  if (plan.confined) {
    FFRTMP_ASSIGN(ruleset, sys::make_ruleset({plan.readable, plan.writable, plan.writable_trees}));
  }
  std::optional<sys::Cgroup> group = groups.open_unified();
  sys::Command command;
  command.argv = with_progress(plan.argv);
  command.env = plan.env;
  command.env.push_back(cat(kAttemptVariable, "=", plan.attempt));
  command.cwd = plan.cwd;
  if (plan.progress_format == ProgressFormat::kGstreamer)
    command.fds = {{1, progress.write.get()}, {2, output.write.get()}};
  else
    command.fds = {{1, output.write.get()}, {2, output.write.get()}, {kProgressFd, progress.write.get()}};
  command.nice = nice_for(plan);
  command.ruleset_fd = ruleset.get();
  command.die_with_parent = getpid() != 1;  // of a namespace's init all die anyway
  if (group) command.cgroup_dir = group->dir().get();

  auto child = sys::spawn(command);
  if (!child && group) {
    // The group may refuse births (no write access to a common ancestor): better ungrouped than not at all.
    command.cgroup_dir = -1;
    groups.note_unjoined(group->path());
    group.reset();
    child = sys::spawn(command);
  }
  if (!child) return std::move(child).error();
  return EngineProcess(std::move(child).value(), Tree(host, self, std::move(group)), std::move(output.read),
                       std::move(progress.read));
}

bool EngineProcess::drain_output(Spool& spool) {
  return drain(output_, [&](std::string_view data) {
    if (const Status status = spool.append(data); !status) {
      static bool told = false;
      if (!told) log::error("log bytes lost", {{"error", status.error().message}});
      told = true;
    }
  });
}

bool EngineProcess::drain_progress(ProgressParser& parser) {
  bool completed = false;
  drain(progress_, [&](std::string_view data) { completed |= parser.feed(data); });
  return completed;
}

}  // namespace ffrtmp::supervisor
