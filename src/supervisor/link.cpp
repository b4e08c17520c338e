#include "supervisor/link.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <mutex>

#include "base/text.h"
#include "supervisor/protocol.h"
#include "supervisor/spool.h"
#include "supervisor/start_link.h"
#include "sys/file_io.h"
#include "sys/pid_fd.h"
#include "sys/proc_fs.h"
#include "sys/spawn.h"
#include "sys/unix_socket.h"

namespace ffrtmp::supervisor {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAnswerTime{10'000};  // a supervisor that says nothing for so long hangs
constexpr milliseconds kEndTime{1'000};      // from its last answer to its end
constexpr milliseconds kBirthTime{2'000};    // from supervisor.json to the first listen
constexpr milliseconds kBirthCheck{5};
constexpr int kLinkFd = 3;  // of the supervisor
constexpr std::size_t kErrorTail = 1024;

// What a supervisor inherits; the engine's environment is the plan's alone.
constexpr const char* kInherited[] = {"PATH",         "HOME",          "LANG",        "TMPDIR", "LD_LIBRARY_PATH",
                                      "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"};

// Why the supervisor of `dir` died: the end of its own complaints.
std::string last_words(const std::string& dir) {
  const auto text = sys::read_text(dir + "/supervisor.err");
  if (!text || text->empty()) return "it said nothing";
  return std::string(trim(text->size() > kErrorTail ? text->substr(text->size() - kErrorTail) : *text));
}

State state_of_ended(const std::string& dir, Exit exit) {
  State state;
  state.started = exit.cause != EndCause::kStartFailed;
  state.progress = exit.last_progress;
  if (const auto log = read_spool_state(dir + "/log")) {
    state.log_end = log->end;
    state.log_dropped_from = log->dropped_from;
    state.log_dropped_to = log->dropped_to;
  }
  state.exit = std::move(exit);
  return state;
}

class SocketLink final : public Link {
 public:
  SocketLink(std::string dir, sys::Fd waiting, std::optional<sys::Child> child)
      : dir_(std::move(dir)), waiting_(std::move(waiting)), child_(std::move(child)) {}
  ~SocketLink() override { reap(); }
  SocketLink(const SocketLink&) = delete;
  SocketLink& operator=(const SocketLink&) = delete;

  Result<State> poll(milliseconds wait) override;
  Status renew(BootTime fence) override;
  Status pause() override { return order({.op = Op::kPause}); }
  Status resume() override { return order({.op = Op::kResume}); }
  Status cancel(milliseconds grace) override { return order({.op = Op::kCancel, .grace_ms = grace.count()}); }

 private:
  Result<Reply> ask(sys::Fd& socket, const Request& request, milliseconds answer_time) const;
  Status order(const Request& request);
  Result<State> ended();
  void reap();

  std::string dir_;
  sys::Fd waiting_;  // of poll's thread
  std::int64_t seen_ = -1;
  std::optional<State> last_;
  std::mutex orders_mutex_;
  sys::Fd orders_;
  std::optional<sys::Child> child_;  // when this process started it
  std::atomic<bool> has_ended_{false};
};

// One exchange, over a new connection when there is none or the old one broke. kGone when nobody listens any more.
Result<Reply> SocketLink::ask(sys::Fd& socket, const Request& request, milliseconds answer_time) const {
  for (int attempt = 0;; ++attempt) {
    if (!socket) {
      FFRTMP_ASSIGN(socket, sys::connect_unix(sys::Host::real(), dir_ + "/control.sock"));
    }
    Status sent = sys::send_message(socket, encode_request(request));
    auto answer =
        sent ? sys::receive_message(socket, answer_time, kMaxMessageBytes) : Result<std::string>(sent.error());
    if (answer) return decode_reply(*answer);
    socket.reset();  // a late answer must not be taken for the next one
    if (answer.error().code != Errc::kUnavailable || attempt > 0) return std::move(answer).error();
  }
}

Result<State> SocketLink::poll(milliseconds wait) {
  if (has_ended_ && last_) return *last_;
  auto reply = ask(waiting_, {.op = Op::kWait, .seen = seen_, .wait_ms = wait.count()}, wait + kAnswerTime);
  if (!reply) {
    if (reply.error().code == Errc::kGone || reply.error().code == Errc::kUnavailable) return ended();
    return std::move(reply).error();
  }
  seen_ = reply->version;
  last_ = std::move(reply->state);
  if (last_->exit) has_ended_ = true;
  return *last_;
}

// The supervisor does not answer any more: its file speaks, or it was killed and its engine with it.
Result<State> SocketLink::ended() {
  auto exit = load_exit(dir_);
  if (!exit) return make_error(Errc::kGone, cat("the supervisor of ", dir_, " died: ", last_words(dir_)));
  last_ = state_of_ended(dir_, std::move(exit).value());
  has_ended_ = true;
  return *last_;
}

Status SocketLink::renew(BootTime fence) {
  return order({.op = Op::kRenew, .fence_boot_ns = fence.time_since_epoch().count()});
}

Status SocketLink::order(const Request& request) {
  if (has_ended_) return {};
  const std::lock_guard lock(orders_mutex_);
  auto reply = ask(orders_, request, kAnswerTime);
  if (!reply) {
    const Errc code = reply.error().code;
    if (code == Errc::kGone || code == Errc::kUnavailable) return {};  // ended: done
    return std::move(reply).error();
  }
  return reply->error.empty() ? Status{} : make_error(Errc::kIo, reply->error);
}

void SocketLink::reap() {
  if (!child_) return;
  if (has_ended_) (void)sys::wait_ended(child_->pidfd, kEndTime);
  while (waitpid(child_->pid, nullptr, WNOHANG) < 0 && errno == EINTR) {
  }
}

sys::Command supervisor_command(const std::string& program, const std::string& dir, const Plan& plan) {
  sys::Command command;
  command.argv = {program, "supervise", dir};
  for (const char* name : kInherited)
    if (const char* value = std::getenv(name)) command.env.push_back(cat(name, "=", value));
  command.env.push_back(cat(kAttemptVariable, "=", plan.attempt));
  command.env.push_back(cat(kStartLinkVariable, "=", kLinkFd));
  return command;
}

// As init of a PID namespace, where the kernel lets us make one.
Result<sys::Child> spawn_supervisor(sys::Command& command) {
  command.new_pid_namespace = geteuid() == 0;
  auto child = sys::spawn(command);
  if (child || !command.new_pid_namespace || child.error().sys == ENOENT) return child;
  command.new_pid_namespace = false;
  return sys::spawn(command);
}

Error not_started(const std::string& dir, sys::Child& child, const Error& why) {
  (void)sys::send_signal(child.pidfd, SIGKILL);  // it may have ended by itself
  while (waitpid(child.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return make_error(Errc::kIo, cat("the supervisor does not start: ", why.message, "; ", last_words(dir)));
}

bool is_alive(const Identity& identity) {
  const sys::Host host = sys::Host::real();
  const auto boot_id = sys::read_boot_id(host);
  if (!boot_id || *boot_id != identity.boot_id) return false;
  const auto stat = sys::read_stat(host, static_cast<pid_t>(identity.pid));
  return stat && stat->state != 'Z' && stat->start_ticks == static_cast<std::uint64_t>(identity.start_ticks);
}

}  // namespace

struct Prepared::Parts {
  Parts(std::string d, sys::Fd s, sys::Child c) : dir(std::move(d)), socket(std::move(s)), child(std::move(c)) {}
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  ~Parts() {
    if (!child) return;
    (void)sys::send_signal(child->pidfd, SIGKILL);  // it has no engine yet, and a stopped one would not end by itself
    while (waitpid(child->pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  std::string dir;
  sys::Fd socket;
  std::optional<sys::Child> child;
};

Prepared::Prepared(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Prepared::Prepared(Prepared&&) noexcept = default;
Prepared::~Prepared() = default;

Result<Prepared> Prepared::start(const std::string& program, const std::string& dir, const Plan& plan) {
  FFRTMP_TRY(sys::make_directories(dir, 0700));
  unlink((dir + "/exit.json").c_str());
  FFRTMP_TRY(save_plan(dir, plan));
  FFRTMP_ASSIGN(auto ends, sys::make_unix_pair());
  FFRTMP_ASSIGN(const sys::Fd complaints,
                sys::open_file(dir + "/supervisor.err", O_WRONLY | O_CREAT | O_APPEND, 0600));
  sys::Command command = supervisor_command(program, dir, plan);
  command.fds = {{2, complaints.get()}, {kLinkFd, ends.second.get()}};
  FFRTMP_ASSIGN(sys::Child child, spawn_supervisor(command));
  return Prepared(std::make_unique<Parts>(dir, std::move(ends.first), std::move(child)));
}

Result<std::unique_ptr<Link>> Prepared::run(const Plan& plan) && {
  const std::string& dir = parts_->dir;
  FFRTMP_TRY(save_plan(dir, plan));
  sys::Child child = std::move(*std::exchange(parts_->child, std::nullopt));
  if (Status sent = sys::send_message(parts_->socket, encode_request({.op = Op::kStart})); !sent)
    return not_started(dir, child, sent.error());
  if (auto answer = sys::receive_message(parts_->socket, kAnswerTime, kMaxMessageBytes); !answer)
    return not_started(dir, child, answer.error());
  return std::unique_ptr<Link>(std::make_unique<SocketLink>(dir, std::move(parts_->socket), std::move(child)));
}

Result<std::unique_ptr<Link>> Link::adopt(const std::string& dir) {
  for (milliseconds waited{0};; waited += kBirthCheck) {
    auto socket = sys::connect_unix(sys::Host::real(), dir + "/control.sock");
    if (socket)
      return std::unique_ptr<Link>(std::make_unique<SocketLink>(dir, std::move(socket).value(), std::nullopt));
    if (socket.error().code != Errc::kGone) return std::move(socket).error();
    if (load_exit(dir)) return std::unique_ptr<Link>(std::make_unique<SocketLink>(dir, sys::Fd(), std::nullopt));
    const auto identity = load_identity(dir);
    if (!identity || !is_alive(*identity) || waited >= kBirthTime)
      return make_error(Errc::kGone, cat("neither a supervisor nor its exit in ", dir));
    usleep(static_cast<useconds_t>(std::chrono::microseconds(kBirthCheck).count()));
  }
}

}  // namespace ffrtmp::supervisor
