// Kills one process at an exact boundary of a system call, as a debugger would see it: before the kernel does the call,
// or after it did and before the program learns of it. A program of its own, because whoever waits for the tracees must
// wait for nobody else; when it ends, for whatever reason, the kernel lets go of all it traced.
//
// usage: kill_at PID self|supervisor|engine ANCHOR CALLS NTH enter|exit SECONDS
//   self|…   who dies: PID, the next supervisor that PID starts, the next program that such a supervisor starts
//   ANCHOR   "-", or CALL or CALL:TEXT: counting starts behind a call that names or carries TEXT
//   CALLS    the calls that count, separated by ','
//   NTH      which of them is the end, from 1
// It prints "armed", then "killed PID CALL DETAIL" or "not reached". Exit status: 0 killed, 1 not reached, 2 cannot
// trace. Source: ptrace(2), PTRACE_GET_SYSCALL_INFO since Linux 5.3. A kill in the stop at the entry leaves the call
// undone (syscall_trace_enter gives up when a fatal signal is pending).
#include <dirent.h>
#include <elf.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

// Which arguments of a call say what it is about: a path, a second path, a buffer with its size.
struct Call {
  const char* name;
  std::uint64_t number;
  int path = -1;
  int second_path = -1;
  int buffer = -1;  // its size is the next argument; of a call that reads, the result is
  bool is_read = false;
};
const Call kCalls[] = {
    {"read", SYS_read, -1, -1, 1, true},
    {"write", SYS_write, -1, -1, 1},
    {"pwrite64", SYS_pwrite64},
    {"recvfrom", SYS_recvfrom, -1, -1, 1, true},
    {"recvmsg", SYS_recvmsg},
    {"sendto", SYS_sendto, -1, -1, 1},
    {"sendmsg", SYS_sendmsg},
    {"connect", SYS_connect},
    {"socket", SYS_socket},
    {"bind", SYS_bind},
    {"listen", SYS_listen},
    {"close", SYS_close},
    {"lseek", SYS_lseek},
    {"openat", SYS_openat, 1},
    {"openat2", SYS_openat2, 1},
    {"mkdirat", SYS_mkdirat, 1},
    {"unlinkat", SYS_unlinkat, 1},
    {"linkat", SYS_linkat, 1, 3},
    {"renameat", SYS_renameat, 1, 3},
    {"renameat2", SYS_renameat2, 1, 3},
    {"fsync", SYS_fsync},
    {"fdatasync", SYS_fdatasync},
    {"ftruncate", SYS_ftruncate},
    {"copy_file_range", SYS_copy_file_range},
    {"flock", SYS_flock},
    {"fcntl", SYS_fcntl},
    {"futex", SYS_futex},
    {"clone3", SYS_clone3},
    {"execve", SYS_execve, 0},
    {"wait4", SYS_wait4},
    {"prctl", SYS_prctl},
    {"epoll_ctl", SYS_epoll_ctl},
    {"timerfd_settime", SYS_timerfd_settime},
    {"newfstatat", SYS_newfstatat, 1},
#ifdef SYS_open
    {"open", SYS_open, 0},
    {"mkdir", SYS_mkdir, 0},
    {"rmdir", SYS_rmdir, 0},
    {"unlink", SYS_unlink, 0},
    {"rename", SYS_rename, 0, 1},
#endif
};

const Call* find_call(std::uint64_t number) {
  const auto at = std::find_if(std::begin(kCalls), std::end(kCalls), [&](const Call& c) { return c.number == number; });
  return at == std::end(kCalls) ? nullptr : at;
}

constexpr std::size_t kPeekBytes = 512;

std::string peek(pid_t tid, std::uint64_t address, std::size_t size) {
  std::string text(std::min(size, kPeekBytes), '\0');
  iovec here{text.data(), text.size()};
  iovec there{reinterpret_cast<void*>(address), text.size()};
  const ssize_t n = process_vm_readv(tid, &here, 1, &there, 1, 0);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

// May end at the page's end earlier than asked for; a path that crosses pages is read in two pieces.
std::string peek_path(pid_t tid, std::uint64_t address) {
  constexpr std::uint64_t kPage = 4096;
  std::string text = peek(tid, address, std::min<std::uint64_t>(kPeekBytes, kPage - address % kPage));
  if (text.find('\0') == std::string::npos) text += peek(tid, address + text.size(), kPeekBytes);
  return text.substr(0, text.find('\0'));
}

struct Want {
  std::string child;  // "self", "supervisor", "engine"
  std::string anchor_call;
  std::string anchor_text;
  std::vector<std::string> calls;
  int nth = 1;
  bool at_exit = false;
};

struct Task {
  pid_t tgid = 0;
  bool is_target = false;
  bool is_below_supervisor = false;
  bool is_unknown = false;  // forked, no exec yet
  const Call* call = nullptr;
  std::uint64_t args[6] = {};
  bool dies_at_exit = false;
};

std::vector<std::string> words_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  return words;
}

pid_t tgid_of(pid_t tid) {
  std::ifstream file("/proc/" + std::to_string(tid) + "/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("Tgid:")) return std::atoi(line.c_str() + 5);
  return 0;
}

using SteadyClock = std::chrono::steady_clock;

volatile sig_atomic_t g_is_told_to_end = 0;
SteadyClock::time_point g_deadline;

void on_tick(int) {}
void on_end(int) { g_is_told_to_end = 1; }

bool time_is_up() { return g_is_told_to_end != 0 || SteadyClock::now() >= g_deadline; }

// Ticks only interrupt the wait, again and again: one that falls between the look at the clock and the wait is followed
// by another.
void start_clock(int seconds) {
  g_deadline = SteadyClock::now() + std::chrono::seconds(seconds);
  struct sigaction action {};
  action.sa_handler = on_tick;
  sigaction(SIGALRM, &action, nullptr);
  action.sa_handler = on_end;
  sigaction(SIGTERM, &action, nullptr);
  const itimerval every{{0, 50'000}, {0, 50'000}};
  setitimer(ITIMER_REAL, &every, nullptr);
}

class Killer {
 public:
  explicit Killer(Want want) : want_(std::move(want)), is_counting_(want_.anchor_call == "-") {}

  bool attach(pid_t pid) {
    const bool self = want_.child == "self";
    options_ = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE;
    if (!self) options_ |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;
    for (bool found_new = true; found_new;) {  // threads are born meanwhile
      found_new = false;
      const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(("/proc/" + std::to_string(pid) + "/task").c_str()),
                                                    closedir);
      if (!dir) return false;
      while (const dirent* entry = readdir(dir.get())) {
        const pid_t tid = std::atoi(entry->d_name);
        if (tid <= 0 || tasks_.contains(tid)) continue;
        if (ptrace(PTRACE_SEIZE, tid, 0, options_) != 0) {
          if (errno == ESRCH) continue;
          if (errno == EPERM && tasks_.empty()) return false;
          continue;  // by way of its creator it is ours already
        }
        Task& task = tasks_[tid];
        task.tgid = pid;
        task.is_target = self;
        ptrace(PTRACE_INTERRUPT, tid, 0, 0);
        found_new = true;
      }
    }
    return !tasks_.empty();
  }

  // What was killed, in words.
  std::optional<std::string> run() {
    while (!time_is_up()) {
      int status = 0;
      const pid_t tid = waitpid(-1, &status, __WALL);
      if (tid < 0 && errno == EINTR) continue;
      if (tid < 0) break;  // nobody is left
      if (!WIFSTOPPED(status)) {
        tasks_.erase(tid);
        continue;
      }
      const auto killed = on_stop(tid, status);
      if (killed) return killed;
    }
    return std::nullopt;
  }

  // Lets go of all. A task can be let go of only while it is stopped.
  void detach() {
    for (const auto& [tid, task] : tasks_) ptrace(PTRACE_INTERRUPT, tid, 0, 0);
    g_is_told_to_end = 0;
    g_deadline = SteadyClock::now() + std::chrono::seconds(2);
    while (!tasks_.empty() && !time_is_up()) {
      int status = 0;
      const pid_t tid = waitpid(-1, &status, __WALL);
      if (tid < 0 && errno == EINTR) continue;
      if (tid < 0) return;
      if (WIFSTOPPED(status)) ptrace(PTRACE_DETACH, tid, 0, signal_to_pass(status));
      tasks_.erase(tid);
    }
  }

 private:
  // A stop that is the delivery of a signal passes it on; all others are of our own making.
  static int signal_to_pass(int status) {
    const int signal = WSTOPSIG(status);
    if (status >> 16 != 0 || signal == (SIGTRAP | 0x80)) return 0;
    return signal;
  }

  std::optional<std::string> on_stop(pid_t tid, int status) {
    const int event = status >> 16;
    Task& task = task_of(tid);
    if (event == PTRACE_EVENT_CLONE || event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK) {
      unsigned long child = 0;
      ptrace(PTRACE_GETEVENTMSG, tid, 0, &child);
      adopt(static_cast<pid_t>(child), task, event == PTRACE_EVENT_CLONE);
    } else if (event == PTRACE_EVENT_EXEC) {
      on_exec(tid, task);
      if (!tasks_.contains(tid)) return std::nullopt;
    } else if (event == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP) {
      ptrace(PTRACE_LISTEN, tid, 0, 0);  // a real stop: it stays stopped
      return std::nullopt;
    } else if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
      if (const auto killed = on_call(tid, task)) return killed;
    }
    resume(tid, task, signal_to_pass(status));
    return std::nullopt;
  }

  // A newborn may stop before its creator tells of it.
  Task& task_of(pid_t tid) {
    const auto at = tasks_.find(tid);
    if (at != tasks_.end()) return at->second;
    Task& task = tasks_[tid];
    task.tgid = tgid_of(tid);
    task.is_unknown = true;
    for (const auto& [other, known] : tasks_)
      if (other != tid && known.tgid == task.tgid) {
        task = known;
        task.call = nullptr;
        task.dies_at_exit = false;
      }
    return task;
  }

  void adopt(pid_t tid, const Task& creator, bool may_be_thread) {
    Task& task = tasks_[tid];
    const pid_t tgid = tgid_of(tid);
    if (may_be_thread && tgid == creator.tgid) {
      task.is_target = creator.is_target;
      task.is_unknown = false;
    } else {
      task.is_unknown = true;
    }
    task.is_below_supervisor = creator.is_below_supervisor;
    task.tgid = tgid;
  }

  // What the program is now decides whose it is. Those that nobody asked for run on alone.
  void on_exec(pid_t tid, Task& task) {
    const auto words = words_of(tid);
    const bool is_supervisor = words.size() > 2 && words[1] == "supervise";
    const bool is_engine = task.is_below_supervisor;
    task.is_unknown = false;
    task.call = nullptr;
    task.is_target = (is_supervisor && want_.child == "supervisor") || (is_engine && want_.child == "engine");
    if (is_supervisor) task.is_below_supervisor = true;
    if (task.is_target || is_supervisor) return;
    ptrace(PTRACE_DETACH, tid, 0, 0);
    tasks_.erase(tid);
  }

  std::optional<std::string> on_call(pid_t tid, Task& task) {
    __ptrace_syscall_info info{};
    if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) <= 0 || !task.is_target) return std::nullopt;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
      task.call = find_call(info.entry.nr);
      if (task.call == nullptr) return std::nullopt;
      std::copy(std::begin(info.entry.args), std::end(info.entry.args), task.args);
      if (!is_counting_) {
        // Of a call that reads, what it carries is known at its end only.
        if (!task.call->is_read && is_anchor(tid, task, size_given(task))) is_counting_ = true;
        return std::nullopt;
      }
      if (std::find(want_.calls.begin(), want_.calls.end(), task.call->name) == want_.calls.end()) return std::nullopt;
      if (++count_ < want_.nth || is_chosen_) return std::nullopt;
      is_chosen_ = true;
      if (!want_.at_exit) return kill_now(tid, task);
      task.dies_at_exit = true;
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && task.call != nullptr) {
      if (task.dies_at_exit) return kill_now(tid, task);
      if (!is_counting_ && task.call->is_read && info.exit.rval > 0 &&
          is_anchor(tid, task, static_cast<std::uint64_t>(info.exit.rval)))
        is_counting_ = true;
      task.call = nullptr;
    }
    return std::nullopt;
  }

  static std::uint64_t size_given(const Task& task) {
    return task.call->buffer < 0 ? 0 : task.args[task.call->buffer + 1];
  }

  static std::string text_of(pid_t tid, const Task& task, std::uint64_t size) {
    const Call& call = *task.call;
    std::string text;
    if (call.path >= 0) text = peek_path(tid, task.args[call.path]);
    if (call.second_path >= 0) text += " -> " + peek_path(tid, task.args[call.second_path]);
    if (call.buffer >= 0) text += peek(tid, task.args[call.buffer], size);
    return text;
  }

  bool is_anchor(pid_t tid, const Task& task, std::uint64_t size) const {
    if (want_.anchor_call != task.call->name) return false;
    return want_.anchor_text.empty() || text_of(tid, task, size).find(want_.anchor_text) != std::string::npos;
  }

  static std::string kill_now(pid_t tid, const Task& task) {
    std::string said = std::to_string(task.tgid) + " " + task.call->name;
    if (task.call->path >= 0) said += " " + text_of(tid, task, 0);
    kill(task.tgid, SIGKILL);
    return said;
  }

  static void resume(pid_t tid, const Task& task, int signal) {
    ptrace(task.is_target ? PTRACE_SYSCALL : PTRACE_CONT, tid, 0, signal);
  }

  Want want_;
  long options_ = 0;
  std::map<pid_t, Task> tasks_;
  bool is_counting_;
  bool is_chosen_ = false;
  int count_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 8) return 2;
  Want want;
  want.child = argv[2];
  const std::string anchor = argv[3];
  want.anchor_call = anchor.substr(0, anchor.find(':'));
  if (anchor.find(':') != std::string::npos) want.anchor_text = anchor.substr(anchor.find(':') + 1);
  std::string calls = argv[4];
  for (std::size_t at = 0; at <= calls.size();) {
    const std::size_t end = std::min(calls.find(',', at), calls.size());
    want.calls.push_back(calls.substr(at, end - at));
    at = end + 1;
  }
  want.nth = std::atoi(argv[5]);
  want.at_exit = std::string_view(argv[6]) == "exit";
  start_clock(std::atoi(argv[7]));
  Killer killer(std::move(want));
  if (!killer.attach(std::atoi(argv[1]))) {
    std::perror("ptrace");
    return 2;
  }
  std::puts("armed");
  std::fflush(stdout);
  const auto killed = killer.run();
  killer.detach();
  std::puts(killed ? ("killed " + *killed).c_str() : "not reached");
  return killed ? 0 : 1;
}
