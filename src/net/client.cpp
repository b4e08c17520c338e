#include "net/client.h"

#include <netdb.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.h"
#include "net/message_reader.h"
#include "net/stream.h"
#include "net/tls_context.h"
#include "net/url.h"

namespace ffrtmp::net {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

// A reply larger than this is no reply of ours: a page of 500 jobs stays below 10 MiB.
constexpr std::size_t kReplyLimit = 64 * 1024 * 1024;
constexpr std::size_t kReadBytes = 16 * 1024;  // one TLS record

struct AddrinfoDelete {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

// How one attempt of an exchange ended badly.
struct Failure {
  Error error;
  bool may_repeat = false;  // the server cannot have answered: the connection was dead already
};

// One request and what has come of it.
struct Exchange {
  std::string_view wire;  // still to be sent
  ResponseReader reader;
  std::string input;    // came, but not taken by the reader yet
  bool is_cut = false;  // the request was not sent to its end
};

class SocketClient final : public Client {
 public:
  SocketClient(ClientOptions options, Url url, SslCtxPtr tls, Socket wake)
      : options_(std::move(options)), url_(std::move(url)), tls_(std::move(tls)), wake_(std::move(wake)) {}
  ~SocketClient() override { stream_.close(); }

  [[nodiscard]] Result<Response> send(const Request& request, std::chrono::milliseconds timeout) override;
  void interrupt() override {
    const std::uint64_t one = 1;
    (void)!::write(wake_.fd(), &one, sizeof one);  // fails only when it already counts enough
  }
  void set_bearer(std::string token) override { options_.bearer = std::move(token); }

 private:
  Status open(SteadyTime deadline);
  Status connect(int family, const sockaddr* address, socklen_t size, SteadyTime deadline);
  Status shake_hands(SteadyTime deadline);
  std::optional<Failure> run(Exchange& exchange, SteadyTime deadline);
  void send_some(Exchange& exchange);
  Result<bool> receive(Exchange& exchange, std::string_view data);
  Status wait(int fd, short events, SteadyTime deadline);
  Status wait_for(Io state, SteadyTime deadline);
  [[nodiscard]] Error failed(std::string_view why) const;
  [[nodiscard]] std::string peer() const {
    return options_.unix_path.empty() ? join_host_port(url_.host, url_.port) : options_.unix_path;
  }

  ClientOptions options_;
  Url url_;
  SslCtxPtr tls_;
  Socket wake_;
  Stream stream_;
  bool is_interrupted_ = false;  // the send() in progress
};

Error SocketClient::failed(std::string_view why) const {
  return make_error(Errc::kUnavailable, cat(peer(), ": ", why));
}

// Waits until `fd` is ready. An interruption counts once, also one that came before.
Status SocketClient::wait(int fd, short events, SteadyTime deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    std::array<pollfd, 2> fds{pollfd{wake_.fd(), POLLIN, 0}, pollfd{fd, events, 0}};
    const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(std::clamp<std::int64_t>(left, 0, INT32_MAX)));
    if (ready < 0 && errno != EINTR) return last_sys_error("poll");
    if (ready > 0 && fds[0].revents != 0) {
      std::uint64_t count = 0;
      (void)!::read(wake_.fd(), &count, sizeof count);
      is_interrupted_ = true;
      return failed("interrupted");
    }
    if (ready > 0) return {};
    if (std::chrono::steady_clock::now() < deadline) continue;
    return make_error(Errc::kTimeout, cat(peer(), ": no answer in time"));
  }
}

Status SocketClient::wait_for(Io state, SteadyTime deadline) {
  return wait(stream_.fd(), state == Io::kWantWrite ? POLLOUT : POLLIN, deadline);
}

// The look-up of a name may take as long as the system's resolver does; addresses and localhost need none.
Status SocketClient::open(SteadyTime deadline) {
  if (!options_.unix_path.empty()) {
    FFRTMP_ASSIGN(const sockaddr_un address, unix_address(options_.unix_path));
    return connect(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address, deadline);
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int rc = ::getaddrinfo(url_.host.c_str(), std::to_string(url_.port).c_str(), &hints, &found);
  if (rc != 0) return failed(::gai_strerror(rc));
  const std::unique_ptr<addrinfo, AddrinfoDelete> list(found);
  std::int64_t addresses = 0;
  for (const auto* at = list.get(); at != nullptr; at = at->ai_next) ++addresses;
  Status last = failed("the name has no address");
  for (const auto* at = list.get(); at != nullptr; at = at->ai_next, --addresses) {
    // One address that swallows packets leaves the others their share of the time.
    const auto now = std::chrono::steady_clock::now();
    last = connect(at->ai_family, at->ai_addr, at->ai_addrlen, now + (deadline - now) / addresses);
    if (last) return shake_hands(deadline);
    if (is_interrupted_) break;
  }
  return last;
}

Status SocketClient::connect(int family, const sockaddr* address, socklen_t size, SteadyTime deadline) {
  Socket socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return failed(std::strerror(errno));
  tune(socket);
  if (::connect(socket.fd(), address, size) != 0) {
    if (errno != EINPROGRESS) return failed(std::strerror(errno));
    FFRTMP_TRY(wait(socket.fd(), POLLOUT, deadline));
    int err = 0;
    socklen_t err_size = sizeof err;
    (void)::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &err, &err_size);
    if (err != 0) return failed(std::strerror(err));
  }
  if (!url_.is_tls) {
    stream_ = Stream(std::move(socket));
    return {};
  }
  FFRTMP_ASSIGN(stream_, connect_tls(tls_.get(), std::move(socket), url_.host));
  return {};
}

Status SocketClient::shake_hands(SteadyTime deadline) {
  for (;;) {
    const auto result = stream_.handshake();
    if (result.state == Io::kDone) return {};
    if (result.state == Io::kWantRead || result.state == Io::kWantWrite) {
      FFRTMP_TRY(wait_for(result.state, deadline));
      continue;
    }
    const long verdict = options_.verify ? SSL_get_verify_result(stream_.ssl()) : X509_V_OK;
    if (verdict == X509_V_OK) return failed(cat("TLS: ", stream_.failure()));
    return failed(cat("its certificate is not accepted: ", X509_verify_cert_error_string(verdict)));
  }
}

// Sends as much as fits. A failure ends the sending only: the answer may be there already, as 413 to a large body.
void SocketClient::send_some(Exchange& exchange) {
  while (!exchange.wire.empty()) {
    const auto result = stream_.write(exchange.wire);
    if (result.state == Io::kWantRead || result.state == Io::kWantWrite) return;
    if (result.state != Io::kDone) {
      exchange.is_cut = true;
      exchange.wire = {};
      return;
    }
    exchange.wire.remove_prefix(result.bytes);
  }
}

// Feeds what came to the reader; true once the answer is complete.
Result<bool> SocketClient::receive(Exchange& exchange, std::string_view data) {
  if (!exchange.wire.empty()) {  // an answer that does not wait for the whole request
    exchange.is_cut = true;
    exchange.wire = {};
  }
  exchange.input += data;
  const auto step = exchange.reader.put(exchange.input);
  exchange.input.erase(0, step.used);
  if (step.state == ReadState::kMore) return false;
  if (step.state != ReadState::kDone) return failed("its answer is no HTTP/1.1, or too large");
  if (exchange.is_cut || !exchange.reader.keep_alive() || !exchange.input.empty()) stream_.close();
  return true;
}

// Both directions at once: session tickets come while the request goes out, and an early answer ends the sending.
std::optional<Failure> SocketClient::run(Exchange& exchange, SteadyTime deadline) {
  std::array<char, kReadBytes> chunk;
  bool has_answer = false;
  for (;;) {
    send_some(exchange);
    const auto result = stream_.read(chunk.data(), chunk.size());
    if (result.state == Io::kDone) {
      has_answer = true;
      const auto done = receive(exchange, {chunk.data(), result.bytes});
      if (!done) return Failure{done.error(), false};
      if (*done) return std::nullopt;
      continue;
    }
    const bool is_open = result.state == Io::kWantRead || result.state == Io::kWantWrite;
    if (is_open && !exchange.is_cut) {
      const bool is_sending = !exchange.wire.empty() || result.state == Io::kWantWrite;
      const auto waited = wait(stream_.fd(), is_sending ? POLLIN | POLLOUT : POLLIN, deadline);
      if (!waited) return Failure{waited.error(), false};
      continue;
    }
    if (has_answer && result.state == Io::kClosed && exchange.reader.put_end() == ReadState::kDone) {
      stream_.close();
      return std::nullopt;
    }
    const auto why = stream_.failure().empty() ? "the connection was closed" : stream_.failure();
    return Failure{failed(why), !has_answer};
  }
}

Result<Response> SocketClient::send(const Request& request, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  is_interrupted_ = false;
  Request full = request;
  full.target = url_.path + request.target;
  const std::string wire = encode_request(full, url_.authority(), options_.bearer);
  for (;;) {
    const bool is_kept = stream_.is_open();
    if (!is_kept) {
      if (auto opened = open(deadline); !opened) {
        stream_.close();
        return std::move(opened).error();
      }
    }
    Exchange exchange{wire, ResponseReader(request.method == "HEAD", kReplyLimit), {}};
    const auto failure = run(exchange, deadline);
    if (!failure) return exchange.reader.take();
    stream_.close();
    if (!is_kept || !failure->may_repeat) return failure->error;
  }
}

}  // namespace

Result<std::unique_ptr<Client>> Client::open(ClientOptions options) {
  FFRTMP_ASSIGN(Url url, parse_url(options.base_url));
  SslCtxPtr tls;
  if (url.is_tls) {
    FFRTMP_ASSIGN(tls, make_client_context(options.ca_file, options.verify));
  }
  Socket wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.is_open()) return last_sys_error("eventfd");
  return std::unique_ptr<Client>(
      std::make_unique<SocketClient>(std::move(options), std::move(url), std::move(tls), std::move(wake)));
}

}  // namespace ffrtmp::net
