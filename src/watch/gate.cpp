#include "watch/gate.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/fault.h"
#include "base/log.h"
#include "base/text.h"
#include "sys/pid_fd.h"
#include "sys/realtime.h"
#include "sys/unix_socket.h"
#include "watch/gate_process.h"

namespace ffrtmp::watch {
namespace {

using std::chrono::milliseconds;

// kPingInterval + kPongTime, plus the kill, stays below the second that no exec may be held.
constexpr milliseconds kPingInterval{200};
constexpr milliseconds kPongTime{500};
// Between two starts: the first pause, doubled with each life that was shorter than kShortLife, up to 51 s.
constexpr milliseconds kRestartPause{100};
constexpr std::chrono::seconds kStartTime{10};  // a new process of a busy machine may take a second
constexpr int kMaxDoublings = 9;
constexpr std::chrono::seconds kShortLife{10};
constexpr std::size_t kMaxMessage = 8192;

// Until an answer fails to come, or nobody wants it to go on.
void guard(sys::Fd pings, sys::Fd pidfd, const std::atomic<bool>& goes_on) {
  sys::Realtime realtime;
  (void)realtime.try_raise();
  for (char count = 0; goes_on; ++count) {
    const std::string ping(1, count);
    const bool sent = sys::send_message(pings, ping).has_value();
    auto pong = sent ? sys::receive_message(pings, kPongTime, 64) : Result<std::string>(std::string());
    if (!pong || *pong != ping) {
      (void)sys::send_signal(pidfd, SIGKILL);
      return;
    }
    for (auto slept = milliseconds(0); slept < kPingInterval && goes_on; slept += milliseconds(50))
      std::this_thread::sleep_for(milliseconds(50));
  }
}

}  // namespace

std::vector<std::string> find_programs(const std::vector<std::string>& names, const std::string& path) {
  std::vector<std::string> found;
  for (const std::string& name : names) {
    for (const std::string_view dir : split(path, ':')) {
      const std::string file = cat(dir, "/", name);
      if (dir.empty() || access(file.c_str(), X_OK) != 0) continue;
      found.push_back(file);
      break;
    }
  }
  return found;
}

Gate::Gate(Reactor& reactor, std::string program, Listener listener)
    : reactor_(reactor), program_(std::move(program)), listener_(std::move(listener)) {}

Gate::~Gate() { stop(); }

void Gate::use(std::vector<std::string> paths, std::chrono::nanoseconds budget) {
  const std::vector<std::string> before = std::exchange(paths_, std::move(paths));
  budget_ = budget;
  reading_.marked = paths_.size();
  if (!child_) {
    short_lives_ = 0;
    return try_spawn();
  }
  if (!guard_.joinable()) return;  // told when it runs
  // One that does not read is ended; the next one is told everything.
  if (!tell_changes(before)) (void)sys::send_signal(child_->pidfd, SIGKILL);
}

Status Gate::tell_changes(const std::vector<std::string>& paths_before) {
  const auto holds = [](const std::vector<std::string>& paths, const std::string& path) {
    return std::find(paths.begin(), paths.end(), path) != paths.end();
  };
  FFRTMP_TRY(sys::send_message(socket_, cat("B ", budget_.count())));
  for (const std::string& path : paths_before)
    if (!holds(paths_, path)) FFRTMP_TRY(sys::send_message(socket_, "X " + path));
  for (const std::string& path : paths_)
    if (!holds(paths_before, path)) FFRTMP_TRY(sys::send_message(socket_, "P " + path));
  return sys::send_message(socket_, "A");
}

void Gate::try_spawn() {
  ++try_timer_;
  if (is_stopped_ || child_) return;
  was_refused_ = false;
  begun_ = std::chrono::steady_clock::now();
  const Status spawned = spawn();
  if (spawned) return;
  end_process();
  reading_.reason = spawned.error().message;
  log::warn(cat("The gate cannot be started: ", reading_.reason));
  try_later();
}

void Gate::try_later() {
  const auto pause = kRestartPause * (1 << std::min(short_lives_, kMaxDoublings));
  ++short_lives_;
  reactor_.after(pause, [this, timer = ++try_timer_] {
    if (timer == try_timer_) try_spawn();
  });
}

Status Gate::spawn() {
  FFRTMP_TRY(fault::check("gate", program_));
  FFRTMP_ASSIGN(auto talk, sys::make_unix_pair());
  FFRTMP_ASSIGN(auto pings, sys::make_unix_pair());
  sys::Command command;
  command.argv = {program_, "gate"};
  command.env = sys::own_environment();  // its libraries are found so
  command.die_with_parent = true;  // a stopped one would not see its socket close, and hold whom it holds for good
  command.fds = {{2, STDERR_FILENO}, {kGateSocket, talk.second.get()}, {kGatePings, pings.second.get()}};
  FFRTMP_ASSIGN(sys::Child child, sys::spawn(command));
  child_ = std::move(child);
  reading_.pid = child_->pid;
  socket_ = std::move(talk.first);
  (void)fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
  pings_ = std::move(pings.first);
  reactor_.after(kStartTime, [this, pid = child_->pid] { end_unless_on(pid); });
  FFRTMP_TRY(reactor_.watch(socket_.get(), [this] { on_message(); }));
  return reactor_.watch(child_->pidfd.get(), [this] { on_end(); });
}

void Gate::end_unless_on(pid_t pid) {
  if (child_ && child_->pid == pid && !reading_.is_on) (void)sys::send_signal(child_->pidfd, SIGKILL);
}

void Gate::on_running() {
  auto pidfd = sys::open_pidfd(child_->pid);
  if (!pidfd || guard_.joinable()) return;
  is_guarding_ = true;
  guard_ = std::thread([mine = std::move(pings_), theirs = std::move(*pidfd), this]() mutable {
    guard(std::move(mine), std::move(theirs), is_guarding_);
  });
  if (!tell_changes({})) (void)sys::send_signal(child_->pidfd, SIGKILL);
}

void Gate::on_message() {
  for (;;) {
    const auto message = sys::receive_message(socket_, milliseconds(0), kMaxMessage);
    if (!message) {
      if (message.error().code != Errc::kTimeout) reactor_.forget(socket_.get());  // its pidfd tells the rest
      return;
    }
    const std::string_view text(*message);
    if (text == "R") {
      on_running();
      continue;
    }
    if (text == "M") {
      reading_.is_on = true;
      reading_.reason.clear();
      continue;
    }
    if (text.size() < 3) continue;
    if (text[0] == 'F') {
      was_refused_ = true;
      reading_.reason = text.substr(2);
    }
    const auto lines = split(text.substr(2), '\n');
    const auto numbers = split(lines[0], ' ');
    if (numbers.size() != 2) continue;
    const auto pid = static_cast<pid_t>(parse_int(numbers[1]).value_or(0));
    if (text[0] == 'L') {
      ++reading_.late;
      listener_.on_late(pid);
    }
    if (text[0] != 'E' || lines.size() != 3) continue;
    ++reading_.held;
    listener_.on_held({pid, std::string(lines[1]), std::string(lines[2])});
    (void)sys::send_message(socket_, cat("D ", numbers[0]));
  }
}

void Gate::end_process() {
  is_guarding_ = false;
  reading_.is_on = false;
  if (socket_) reactor_.forget(socket_.get());
  if (child_) reactor_.forget(child_->pidfd.get());
  socket_.reset();
  pings_.reset();
  if (child_) {
    // Without its socket it ends by itself; a stopped one does not.
    if (!sys::wait_ended(child_->pidfd, kPongTime)) (void)sys::send_signal(child_->pidfd, SIGKILL);
    (void)waitpid(child_->pid, nullptr, 0);
  }
  child_.reset();
  reading_.pid = 0;
  if (guard_.joinable()) guard_.join();
}

void Gate::on_end() {
  on_message();  // its last words
  end_process();
  if (is_stopped_) return;
  if (was_refused_) {
    log::warn(cat("Gate unavailable: ", reading_.reason));
    return;
  }
  ++reading_.restarts;
  if (std::chrono::steady_clock::now() - begun_ >= kShortLife) short_lives_ = 0;
  log::warn("The gate ended, starting it anew");
  reading_.reason = "being started";
  try_later();
}

void Gate::stop() {
  is_stopped_ = true;
  end_process();
}

}  // namespace ffrtmp::watch
