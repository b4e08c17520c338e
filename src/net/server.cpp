#include "net/server.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include "base/fault.h"
#include "base/log.h"
#include "net/session.h"
#include "net/tls_context.h"

namespace ffrtmp::net {
namespace {

constexpr std::size_t kScratchBytes = 32 * 1024;  // two TLS records
constexpr int kAcceptsPerTurn = 64;
constexpr std::chrono::milliseconds kAcceptPause{100};  // after running out of descriptors or memory

bool is_exhausted(int err) { return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM; }

// Takes connections in. Out of descriptors it pauses: the listening socket stays readable and would spin.
class Acceptor final : public Watcher {
 public:
  Acceptor(ServerCore& core, Socket socket) : core_(core), socket_(std::move(socket)) {}

  [[nodiscard]] Status start() { return core_.loop->watch(socket_.fd(), EPOLLIN, *this); }

  void stop() {
    if (socket_.is_open()) core_.loop->forget(socket_.fd());
    socket_.reset();
  }

  void on_ready(std::uint32_t) override {
    for (int i = 0; i < kAcceptsPerTurn && socket_.is_open(); ++i) {
      sockaddr_storage address{};
      auto* peer = reinterpret_cast<sockaddr*>(&address);
      Socket connection(accept(peer));
      if (connection.is_open()) {
        open_session(std::move(connection), peer);
      } else if (is_exhausted(errno)) {
        return pause();
      } else if (errno == EAGAIN) {
        return;
      }
    }
  }

 private:
  int accept(sockaddr* peer) {
    if (const int err = fault::next("accept"); err != 0) {
      errno = err;
      return -1;
    }
    socklen_t size = sizeof(sockaddr_storage);
    return ::accept4(socket_.fd(), peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  }

  void open_session(Socket connection, const sockaddr* peer) {
    tune(connection);
    Stream stream = core_.tls ? accept_tls(core_.tls.get(), std::move(connection)) : Stream(std::move(connection));
    if (!stream.is_open()) return;
    (void)std::make_shared<Session>(core_, std::move(stream), address_text(peer))->start();
  }

  void pause() {
    log::warn("cannot accept connections", {{"error", std::strerror(errno)}});
    core_.loop->change(socket_.fd(), 0, *this);
    core_.loop->post_after(kAcceptPause, [this] {
      if (socket_.is_open()) core_.loop->change(socket_.fd(), EPOLLIN, *this);
    });
  }

  ServerCore& core_;
  Socket socket_;
};

// Deadlines are looked at this often: a quarter of the shortest, at most a second. One pass over all sessions costs
// microseconds, a timer a connection would cost that on every request.
std::chrono::milliseconds sweep_interval(const ServerOptions& options) {
  const auto shortest = std::min({options.handshake_timeout, options.header_timeout, options.body_timeout,
                                  options.idle_timeout, options.write_timeout});
  return std::clamp(shortest / 4, std::chrono::milliseconds(10), std::chrono::milliseconds(1000));
}

void sweep(ServerCore& core, std::chrono::milliseconds interval) {
  const auto now = core.loop->now();
  for (auto next = core.sessions.begin(); next != core.sessions.end();) {
    const auto session = *next++;  // expire() may erase it
    session->expire(now);
  }
  core.loop->post_after(interval, [&core, interval] { sweep(core, interval); });
}

class LoopServer final : public Server {
 public:
  LoopServer(std::shared_ptr<ServerCore> core, std::vector<std::unique_ptr<Acceptor>> acceptors, std::uint16_t port)
      : core_(std::move(core)), acceptors_(std::move(acceptors)), port_(port) {
    const auto interval = sweep_interval(core_->options);
    core_->loop->post_after(interval, [core = core_.get(), interval] { sweep(*core, interval); });
    thread_ = std::thread([loop = core_->loop.get()] { loop->run(); });
  }

  ~LoopServer() override {
    // Answers posted before this are sent first.
    core_->loop->post([loop = core_->loop.get()] { loop->stop(); });
    thread_.join();
    for (const auto& acceptor : acceptors_) acceptor->stop();
    while (!core_->sessions.empty()) core_->sessions.front()->close();
    // Whoever still holds a Respond keeps the core for a moment; what the owner handed in must not outlive this.
    core_->handler = nullptr;
    core_->loop->clear();
  }

  [[nodiscard]] std::uint16_t port() const override { return port_; }
  void post(std::function<void()> work) override { core_->loop->post(std::move(work)); }
  void post_after(std::chrono::milliseconds delay, std::function<void()> work) override {
    core_->loop->post_after(delay, std::move(work));
  }

  void stop_accepting() override {
    core_->loop->post([this] {
      core_->is_accepting = false;
      for (const auto& acceptor : acceptors_) acceptor->stop();
      for (auto next = core_->sessions.begin(); next != core_->sessions.end();) {
        const auto session = *next++;
        if (session->is_idle()) session->close();
      }
    });
  }

 private:
  std::shared_ptr<ServerCore> core_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::uint16_t port_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, Handler handler) {
  auto core = std::make_shared<ServerCore>();
  FFRTMP_ASSIGN(core->loop, Loop::create());
  if (options.tls) {
    FFRTMP_ASSIGN(core->tls, make_server_context(*options.tls));
  }
  std::vector<Socket> sockets;
  std::uint16_t port = 0;
  if (!options.listen.empty() || options.unix_path.empty()) {
    FFRTMP_ASSIGN(Socket socket, listen_tcp(options.listen, options.port));
    port = local_port(socket);
    sockets.push_back(std::move(socket));
  }
  if (!options.unix_path.empty()) {
    FFRTMP_ASSIGN(Socket socket, listen_unix(options.unix_path));
    sockets.push_back(std::move(socket));
  }
  core->options = std::move(options);
  core->handler = std::move(handler);
  core->scratch.resize(kScratchBytes);
  std::vector<std::unique_ptr<Acceptor>> acceptors;
  for (Socket& socket : sockets) {
    acceptors.push_back(std::make_unique<Acceptor>(*core, std::move(socket)));
    FFRTMP_TRY(acceptors.back()->start());
  }
  return std::unique_ptr<Server>(std::make_unique<LoopServer>(std::move(core), std::move(acceptors), port));
}

}  // namespace ffrtmp::net
