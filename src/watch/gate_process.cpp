#include "watch/gate_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/text.h"
#include "sys/exec_gate.h"
#include "sys/realtime.h"
#include "sys/unix_socket.h"

namespace ffrtmp::watch {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace fs = std::filesystem;

constexpr std::size_t kMaxMessage = 8192;
constexpr std::size_t kMaxLinks = 40;              // of the kernel; path_resolution(7)
constexpr auto kRemark = std::chrono::seconds(1);  // when inotify missed a replacement (another mount, a network)

// `path`, and what each link behind it leads to.
std::vector<fs::path> links_of(const fs::path& path) {
  std::vector<fs::path> steps{path};
  std::error_code error;
  while (steps.size() < kMaxLinks) {
    const fs::path target = fs::read_symlink(steps.back(), error);
    if (error) break;
    steps.push_back(steps.back().parent_path() / target);
  }
  return steps;
}

class GateProcess {
 public:
  GateProcess(sys::ExecGate gate, sys::Fd socket, sys::Fd pings)
      : gate_(std::move(gate)), socket_(std::move(socket)), pings_(std::move(pings)) {}

  int run() {
    inotify_ = sys::Fd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    send("R");
    auto next_mark = steady_clock::now() + kRemark;
    while (is_open_) {
      const auto now = steady_clock::now();
      if (now >= next_mark) {
        mark_all();
        next_mark = now + kRemark;
      }
      allow_late(now);
      std::array<pollfd, 4> fds{pollfd{gate_.fd(), POLLIN, 0}, pollfd{socket_.get(), POLLIN, 0},
                                pollfd{pings_.get(), POLLIN, 0}, pollfd{inotify_.get(), POLLIN, 0}};
      auto until = next_mark;
      for (const auto& [id, wait] : held_) until = std::min(until, wait.due);
      const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now()).count();
      if (poll(fds.data(), fds.size(), static_cast<int>(std::max<std::int64_t>(left, 0))) <= 0) continue;
      if (fds[1].revents != 0) read_socket();
      if (fds[0].revents != 0) read_gate();
      if (fds[2].revents != 0) read_pings();
      if (fds[3].revents != 0) read_inotify();
    }
    return 0;
  }

 private:
  struct Wait {
    sys::ExecGate::Held held;
    steady_clock::time_point due;
  };

  // Never waits: a daemon that does not read must not hold anybody up.
  bool send(const std::string& message) { return sys::send_message(socket_, message).has_value(); }

  void read_socket() {
    for (;;) {
      const auto message = sys::receive_message(socket_, milliseconds(0), kMaxMessage);
      if (!message) {
        is_open_ = message.error().code == Errc::kTimeout;
        return;
      }
      const std::string_view text(*message);
      if (text == "A") send("M");
      if (text.size() < 3) continue;
      const std::string_view value = text.substr(2);
      if (text[0] == 'B') budget_ = std::chrono::nanoseconds(parse_int(value).value_or(0));
      if (text[0] == 'P') add(std::string(value));
      if (text[0] == 'X') remove(std::string(value));
      if (text[0] == 'D') done(parse_int(value).value_or(0));
    }
  }

  void add(const std::string& path) {
    paths_.push_back(path);
    mark(path);
  }

  void remove(const std::string& path) {
    std::erase(paths_, path);
    std::erase_if(names_, [&](const auto& item) { return item.second == path; });
    (void)gate_.unmark(path);  // fails when another file stands there: of the old one, what is held is allowed at once
    mark_all();                // another name may lead to the same file
  }

  // The name as a person gave it may be a link: the file it leads to is marked, and every folder on the way is watched,
  // as the file may be replaced in any of them.
  void mark(const std::string& path) {
    for (const fs::path& step : links_of(path))
      (void)inotify_add_watch(inotify_.get(), step.parent_path().c_str(), IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE);
    if (const auto file = gate_.mark(path)) names_[*file] = path;
  }
  void mark_all() {
    for (const std::string& path : paths_) mark(path);
  }

  void read_inotify() {
    std::array<char, 4096> buffer;
    while (read(inotify_.get(), buffer.data(), buffer.size()) > 0) {
    }
    mark_all();
  }

  void read_pings() {
    const auto ping = sys::receive_message(pings_, milliseconds(0), 64);
    if (ping)
      (void)sys::send_message(pings_, *ping);
    else if (ping.error().code != Errc::kTimeout)
      is_open_ = false;
  }

  void read_gate() {
    auto found = gate_.take();
    if (!found) return;
    for (sys::ExecGate::Held& held : *found) {
      const std::int64_t id = ++last_id_;
      const auto name = names_.find(held.file);
      if (name == names_.end() || !send(cat("E ", id, " ", held.pid, "\n", held.path, "\n", name->second))) {
        gate_.allow(held);
        continue;
      }
      held_.emplace(id, Wait{std::move(held), steady_clock::now() + budget_});
    }
  }

  void done(std::int64_t id) {
    const auto at = held_.find(id);
    if (at == held_.end()) return;  // it was late
    gate_.allow(at->second.held);
    held_.erase(at);
  }

  void allow_late(steady_clock::time_point now) {
    for (auto at = held_.begin(); at != held_.end();) {
      if (at->second.due > now) {
        ++at;
        continue;
      }
      gate_.allow(at->second.held);
      send(cat("L ", at->first, " ", at->second.held.pid));
      at = held_.erase(at);
    }
  }

  sys::ExecGate gate_;
  sys::Fd socket_;
  sys::Fd pings_;
  sys::Fd inotify_;
  std::vector<std::string> paths_;
  std::map<sys::FileId, std::string> names_;
  std::map<std::int64_t, Wait> held_;
  std::chrono::nanoseconds budget_ = milliseconds(50);
  std::int64_t last_id_ = 0;
  bool is_open_ = true;
};

}  // namespace

int run_gate(sys::Fd socket, sys::Fd pings) {
  for (const sys::Fd* fd : {&socket, &pings}) (void)fcntl(fd->get(), F_SETFL, O_NONBLOCK);
  auto gate = sys::ExecGate::open();
  if (!gate) {
    (void)sys::send_message(socket, "F " + gate.error().message);
    return 1;
  }
  sys::Realtime realtime;
  (void)realtime.try_raise();
  return GateProcess(std::move(*gate), std::move(socket), std::move(pings)).run();
}

}  // namespace ffrtmp::watch
