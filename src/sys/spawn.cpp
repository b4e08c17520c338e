#include "sys/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <concepts>
#include <cstdint>

#include "base/text.h"
#include "sys/file_io.h"

namespace ffrtmp::sys {
namespace {

constexpr std::string_view kDefaultPath = "/usr/local/bin:/usr/bin:/bin";

// Steps of the child that can fail, in the order of kStepNames.
enum Step : std::int32_t {
  kSession,
  kParent,
  kJoinGroup,
  kGate,
  kChdir,
  kNice,
  kMemory,
  kConfine,
  kDescriptors,
  kExec
};
constexpr const char* kStepNames[] = {"setsid",      "parent died",  "join cgroup", "dropped before its exec", "chdir",
                                      "setpriority", "limit memory", "confine",     "pass descriptors",        "exec"};

struct Failure {
  std::int32_t step;
  std::int32_t err;
};

// Everything the child needs, made ready before the clone: between clone and exec it may not allocate, for another
// thread of the parent may have held the allocator's lock.
struct Launch {
  const char* program;
  char* const* argv;
  char* const* envp;
  const char* cwd;  // null: stay
  const Command* command;
  const Command::PassedFd* fds;
  std::size_t fd_count;
  int first_free_fd;  // above all target descriptors
  int report_fd;
  int gate_fd;        // read end; -1: no waiting
  int gate_write_fd;  // the parent's end, open here too until closed
  pid_t parent;       // as the child sees it
  bool join_group;    // clone could not do it
};

// Between clone and exec the child makes bare system calls: the wrappers of a C library, and a sanitizer's around them,
// may wait for a lock that another thread held at the moment of the clone.
long word(const void* address) { return reinterpret_cast<long>(address); }
long word(std::convertible_to<long> auto number) { return static_cast<long>(number); }
long bare(long number, auto... args) { return syscall(number, word(args)...); }

[[noreturn]] void fail(int report_fd, Step step, int err) {
  const Failure failure{step, err};
  bare(SYS_write, report_fd, &failure, sizeof failure);
  for (;;) bare(SYS_exit_group, 127);
}

void reset_signals() {
  constexpr std::size_t kMaskBytes = 8;
  const std::uint64_t all_default[4] = {};  // struct sigaction as the kernel has it, of whatever order: SIG_DFL is 0
  for (int signal = 1; signal <= SIGRTMAX; ++signal)  // refused for KILL and STOP
    bare(SYS_rt_sigaction, signal, all_default, nullptr, kMaskBytes);
  const std::uint64_t none = 0;
  bare(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, kMaskBytes);
}

// Moves all sources above the targets first, so that no dup2 overwrites one that is still needed.
bool place_descriptors(const Launch& launch, int* report_fd) {
  int moved[16];
  for (std::size_t i = 0; i < launch.fd_count; ++i) {
    moved[i] = static_cast<int>(bare(SYS_fcntl, launch.fds[i].fd, F_DUPFD_CLOEXEC, launch.first_free_fd));
    if (moved[i] < 0) return false;
  }
  *report_fd = static_cast<int>(bare(SYS_fcntl, launch.report_fd, F_DUPFD_CLOEXEC, launch.first_free_fd));
  if (*report_fd < 0) return false;
  if (bare(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
    // Before Linux 5.11.
    rlimit limit{};
    bare(SYS_prlimit64, 0, RLIMIT_NOFILE, nullptr, &limit);
    for (int fd = 3; static_cast<rlim_t>(fd) < limit.rlim_cur; ++fd) bare(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
  }
  for (std::size_t i = 0; i < launch.fd_count; ++i)
    if (bare(SYS_dup3, moved[i], launch.fds[i].child_fd, 0) < 0) return false;
  return true;
}

[[noreturn]] void run_child(const Launch& launch) {
  int report = launch.report_fd;
  const Command& command = *launch.command;
  reset_signals();
  if (bare(SYS_setsid) < 0) fail(report, kSession, errno);
  if (command.die_with_parent) {
    bare(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (bare(SYS_getppid) != launch.parent) fail(report, kParent, ESRCH);
  }
  if (launch.join_group) {
    const long procs = bare(SYS_openat, command.cgroup_dir, "cgroup.procs", O_WRONLY | O_CLOEXEC, 0);
    if (procs < 0 || bare(SYS_write, procs, "0", std::size_t{1}) != 1) fail(report, kJoinGroup, errno);
  }
  if (launch.gate_fd >= 0) {
    bare(SYS_close, launch.gate_write_fd);
    char go = 0;
    long n = 0;
    do n = bare(SYS_read, launch.gate_fd, &go, std::size_t{1});
    while (n < 0 && errno == EINTR);
    if (n != 1) fail(report, kGate, ECANCELED);
  }
  if (launch.cwd != nullptr && bare(SYS_chdir, launch.cwd) != 0) fail(report, kChdir, errno);
  if (command.nice && bare(SYS_setpriority, PRIO_PROCESS, 0, *command.nice) != 0) fail(report, kNice, errno);
  if (command.max_data_bytes) {
    const rlimit limit{*command.max_data_bytes, *command.max_data_bytes};
    if (bare(SYS_prlimit64, 0, RLIMIT_DATA, &limit, nullptr) != 0) fail(report, kMemory, errno);
  }
  if (command.ruleset_fd >= 0) {
    const bool confined = bare(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                          bare(SYS_landlock_restrict_self, command.ruleset_fd, 0) == 0;
    if (!confined) fail(report, kConfine, errno);
  }
  if (!place_descriptors(launch, &report)) fail(report, kDescriptors, errno);
  bare(SYS_execve, launch.program, launch.argv, launch.envp);
  fail(report, kExec, errno);
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// The child's pid, 0 in the child, -1 with errno.
pid_t clone_child(const Command& command, int* pidfd, bool* join_group) {
  clone_args args{};
  args.flags = CLONE_PIDFD;
  args.pidfd = reinterpret_cast<std::uint64_t>(pidfd);
  args.exit_signal = SIGCHLD;
  if (command.new_pid_namespace) args.flags |= CLONE_NEWPID;
  if (command.cgroup_dir >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<std::uint64_t>(command.cgroup_dir);
  }
  long pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid >= 0 || errno != ENOSYS) return static_cast<pid_t>(pid);
  // An old kernel, or a container whose filter answers ENOSYS to clone3.
  *join_group = command.cgroup_dir >= 0;
  const unsigned long flags = CLONE_PIDFD | SIGCHLD | (command.new_pid_namespace ? CLONE_NEWPID : 0UL);
  return static_cast<pid_t>(syscall(SYS_clone, flags, nullptr, pidfd, nullptr, nullptr));
}

Status add_standard_descriptors(std::vector<Command::PassedFd>& fds, Fd& null) {
  FFRTMP_ASSIGN(null, open_file("/dev/null", O_RDWR));
  for (int target = 0; target <= 2; ++target) {
    const bool named = std::any_of(fds.begin(), fds.end(), [&](const auto& fd) { return fd.child_fd == target; });
    if (!named) fds.push_back({target, null.get()});
  }
  return {};
}

// Waits for the exec, or for the report of what failed before it.
Status read_report(const Fd& report, const Child& child, const std::string& program) {
  Failure failure{};
  ssize_t n = 0;
  do n = read(report.get(), &failure, sizeof failure);
  while (n < 0 && errno == EINTR);
  if (n == 0) return {};
  while (waitpid(child.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (n != sizeof failure) return make_error(Errc::kIo, cat("start ", program, ": no report"));
  return sys_error(cat("start ", program, ": ", kStepNames[failure.step]), failure.err);
}

}  // namespace

std::vector<std::string> own_environment() {
  std::vector<std::string> env;
  for (char** item = environ; item != nullptr && *item != nullptr; ++item) env.emplace_back(*item);
  return env;
}

Result<std::string> find_program(const std::string& name, const std::vector<std::string>& env) {
  if (name.find('/') != std::string::npos) return name;
  std::string_view path = kDefaultPath;
  for (const std::string& item : env)
    if (item.starts_with("PATH=")) path = std::string_view(item).substr(5);
  for (const std::string_view dir : split(path, ':')) {
    std::string candidate = cat(dir.empty() ? std::string_view(".") : dir, "/", name);
    struct stat info {};
    if (stat(candidate.c_str(), &info) == 0 && S_ISREG(info.st_mode) && access(candidate.c_str(), X_OK) == 0)
      return candidate;
  }
  return sys_error(cat("no program \"", escape(name), "\" in PATH"), ENOENT);
}

namespace {

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return last_sys_error("pipe");
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

struct Started {
  Child child;
  Fd report;
  std::string program;
};

// Returns after the clone; `gate` is a pipe that the child reads a byte from before its exec, or null.
Result<Started> start(const Command& command, const Pipe* gate) {
  if (command.argv.empty()) return make_error(Errc::kInvalid, "a command needs a program");
  FFRTMP_ASSIGN(std::string program, find_program(command.argv[0], command.env));
  std::vector<Command::PassedFd> fds = command.fds;
  Fd null;
  FFRTMP_TRY(add_standard_descriptors(fds, null));
  if (fds.size() > 16) return make_error(Errc::kInvalid, "more than 16 descriptors to pass");
  FFRTMP_ASSIGN(Pipe report, make_pipe());

  const std::vector<char*> argv = pointers_to(command.argv);
  const std::vector<char*> envp = pointers_to(command.env);
  Launch launch{program.c_str(),
                argv.data(),
                envp.data(),
                command.cwd.empty() ? nullptr : command.cwd.c_str(),
                &command,
                fds.data(),
                fds.size(),
                3,
                report.write.get(),
                gate == nullptr ? -1 : gate->read.get(),
                gate == nullptr ? -1 : gate->write.get(),
                command.new_pid_namespace ? 0 : getpid(),
                false};
  for (const auto& fd : fds) launch.first_free_fd = std::max(launch.first_free_fd, fd.child_fd + 1);

  // No handler of ours may run in the child before it has reset them.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int pidfd = -1;
  const pid_t pid = clone_child(command, &pidfd, &launch.join_group);
  if (pid == 0) run_child(launch);
  const int err = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return sys_error(cat("start ", program, ": clone"), err);
  return Started{{pid, Fd(pidfd)}, std::move(report.read), std::move(program)};
}

}  // namespace

Result<Child> spawn(const Command& command) {
  FFRTMP_ASSIGN(Started started, start(command, nullptr));
  FFRTMP_TRY(read_report(started.report, started.child, started.program));
  return std::move(started.child);
}

Result<HeldChild> spawn_held(const Command& command) {
  // A socket, as a write to it can be kept from raising SIGPIPE when the child was killed meanwhile.
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return last_sys_error("socketpair");
  Pipe gate{Fd(ends[0]), Fd(ends[1])};
  FFRTMP_ASSIGN(Started started, start(command, &gate));
  return HeldChild(std::move(started.child), std::move(gate.write), std::move(started.report),
                   std::move(started.program));
}

Result<Child> HeldChild::release() && {
  Child child = std::move(child_);
  const Fd gate = std::move(gate_);
  ssize_t n = 0;
  do n = send(gate.get(), "g", 1, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  // A child that was killed meanwhile is found out by whoever waits for it.
  FFRTMP_TRY(read_report(report_, child, program_));
  return child;
}

HeldChild::~HeldChild() {
  if (!gate_) return;
  gate_.reset();
  while (waitpid(child_.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace ffrtmp::sys
