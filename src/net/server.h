#pragma once
// HTTP/1.1 server with TLS on one thread of its own; handlers may answer later and from any thread, so that a long poll
// costs a connection and no thread.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "net/http.h"
#include "net/tls.h"

namespace ffrtmp::net {

// Called once a request, from any thread; further calls do nothing, and one dropped without a call answers 500.
using Respond = std::function<void(Response)>;
// Called on the server's thread; must not block.
using Handler = std::function<void(Request, Respond)>;

struct ServerOptions {
  std::string listen = "127.0.0.1";     // address; empty: none, with a unix_path
  std::uint16_t port = 0;               // 0: a free one
  std::optional<CertificateFiles> tls;  // absent: plain HTTP
  std::string unix_path;                // a socket file of its own user as well; empty: none. Not together with tls
  // Body limit in bytes of a request, by method and path; larger ones get 413 without being read.
  std::function<std::size_t(std::string_view method, std::string_view path)> body_limit;
  // Body of an error that the server itself answers (400 malformed, 408, 413, 431, 500 dropped). Any thread.
  std::function<std::string(int status, std::string_view message)> error_body;

  // How long a peer may take. A request that waits for its answer has no limit here: its handler owns that.
  std::chrono::milliseconds handshake_timeout{10'000};
  std::chrono::milliseconds header_timeout{10'000};  // from its first byte to its end; 408
  std::chrono::milliseconds body_timeout{30'000};    // without a byte of it; 408
  std::chrono::milliseconds idle_timeout{120'000};   // between requests; above the 30 s of a heartbeat and its poll
  std::chrono::milliseconds write_timeout{30'000};   // without taking a byte of the answer
};

class Server {
 public:
  // kUnavailable naming address and port when it cannot listen.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(ServerOptions options, Handler handler);
  virtual ~Server() = default;  // stops: open connections are closed, the thread is joined
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  // Runs `work` on the server's thread, at once or after a delay. Any thread. Dropped once the server stops.
  virtual void post(std::function<void()> work) = 0;
  virtual void post_after(std::chrono::milliseconds delay, std::function<void()> work) = 0;
  // Stops accepting, answers nothing new; waiting requests may still be answered.
  virtual void stop_accepting() = 0;
};

}  // namespace ffrtmp::net
