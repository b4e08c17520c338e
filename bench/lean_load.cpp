#include "lean_load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

#include "base/text.h"

namespace ffrtmp::bench {
namespace {

// Thrown, so that whoever started the master ends it.
[[noreturn]] void give_up(const std::string& why) { throw std::runtime_error(cat("load: ", why)); }

net::Socket connect_to(const net::Url& url) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(url.port);
  if (inet_pton(AF_INET, url.host.c_str(), &address.sin_addr) != 1) give_up(cat(url.host, " is no IPv4 address"));
  net::Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    give_up("no connection");
  net::tune(socket);
  return socket;
}

}  // namespace

// One request on its way at a time. The socket blocks: a request fits into its buffer, and epoll says when to read.
class LeanLoad::Connection {
 public:
  Connection(net::Stream stream, Next next) : stream_(std::move(stream)), next_(std::move(next)) {
    if (stream_.handshake().state != net::Io::kDone) give_up(cat("handshake: ", stream_.failure()));
  }

  [[nodiscard]] int fd() const { return stream_.fd(); }

  // False once there is no next request.
  bool send_next(std::string_view reply) {
    const std::string request = next_(reply);
    if (request.empty()) return false;
    if (stream_.write(request).bytes != request.size()) give_up(cat("send: ", stream_.failure()));
    return true;
  }

  bool on_ready(std::string& scratch) {
    do {
      const auto got = stream_.read(scratch.data(), scratch.size());
      if (got.state != net::Io::kDone) give_up(cat("receive: ", stream_.failure()));
      input_.append(scratch.data(), got.bytes);
    } while (stream_.has_pending());
    const std::size_t head = input_.find("\r\n\r\n");
    if (head == std::string::npos) return true;
    if (input_.compare(0, 10, "HTTP/1.1 2") != 0) give_up(cat("the master says ", input_));
    constexpr std::string_view kLength = "Content-Length: ";
    const std::size_t body = head + 4;
    const std::size_t length = std::strtoul(input_.c_str() + input_.find(kLength) + kLength.size(), nullptr, 10);
    if (input_.size() < body + length) return true;
    const std::string reply = std::move(input_);
    input_.clear();
    return send_next(std::string_view(reply).substr(body));
  }

 private:
  net::Stream stream_;
  Next next_;
  std::string input_;
};

LeanLoad::LeanLoad(const std::string& base_url, const std::string& ca_file) {
  auto url = net::parse_url(base_url);
  if (!url) give_up(url.error().message);
  url_ = *url;
  auto tls = net::make_client_context(ca_file, true);
  if (!tls) give_up(tls.error().message);
  tls_ = std::move(*tls);
}

LeanLoad::~LeanLoad() = default;

void LeanLoad::connect(Next next) {
  auto stream = net::connect_tls(tls_.get(), connect_to(url_), url_.host);
  if (!stream) give_up(stream.error().message);
  connections_.push_back(std::make_unique<Connection>(std::move(*stream), std::move(next)));
}

void LeanLoad::run() {
  const net::Socket epoll(::epoll_create1(EPOLL_CLOEXEC));
  std::size_t open = 0;
  for (const auto& connection : connections_) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = connection.get();
    if (!connection->send_next({})) continue;
    if (::epoll_ctl(epoll.fd(), EPOLL_CTL_ADD, connection->fd(), &event) != 0) give_up("epoll_ctl");
    ++open;
  }
  std::string scratch(64 * 1024, '\0');
  std::array<epoll_event, 64> events;
  while (open > 0) {
    const int count = ::epoll_wait(epoll.fd(), events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      auto* connection = static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (connection->on_ready(scratch)) continue;
      (void)::epoll_ctl(epoll.fd(), EPOLL_CTL_DEL, connection->fd(), nullptr);
      --open;
    }
  }
}

std::string LeanLoad::post(std::string_view path, std::string_view bearer, std::string_view body) const {
  return cat("POST /api/v1", path, " HTTP/1.1\r\nHost: ", url_.authority(), "\r\nAuthorization: Bearer ", bearer,
             "\r\nContent-Type: application/json\r\nContent-Length: ", body.size(), "\r\n\r\n", body);
}

std::string_view text_behind(std::string_view json, std::string_view key, std::size_t& at) {
  const std::size_t found = json.find(key, at);
  if (found == std::string_view::npos) return {};
  const std::size_t begin = found + key.size();
  at = json.find('"', begin);
  return json.substr(begin, at - begin);
}

}  // namespace ffrtmp::bench
