#pragma once
// A non-blocking byte stream over TCP, plain or TLS. OpenSSL works on the socket itself: a connection that waits holds
// no buffers (SSL_MODE_RELEASE_BUFFERS), which memory BIOs would (about 70 KiB a connection).
#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/socket.h"

namespace ffrtmp::net {

enum class Io { kDone, kWantRead, kWantWrite, kClosed, kFailed };

struct IoResult {
  Io state = Io::kDone;
  std::size_t bytes = 0;  // with kDone
};

struct SslDelete {
  void operator()(SSL* ssl) const;
};
using SslPtr = std::unique_ptr<SSL, SslDelete>;
struct SslCtxDelete {
  void operator()(SSL_CTX* context) const;
};
using SslCtxPtr = std::unique_ptr<SSL_CTX, SslCtxDelete>;

class Stream {
 public:
  Stream() = default;
  explicit Stream(Socket socket) : socket_(std::move(socket)) {}
  Stream(Socket socket, SslPtr ssl);

  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  [[nodiscard]] int fd() const { return socket_.fd(); }
  [[nodiscard]] SSL* ssl() const { return ssl_.get(); }

  // The TLS handshake; kDone at once on a plain stream.
  [[nodiscard]] IoResult handshake();
  [[nodiscard]] IoResult read(char* data, std::size_t size);
  [[nodiscard]] IoResult write(std::string_view data);
  // Whether bytes were taken off the socket that read() has not handed out yet.
  [[nodiscard]] bool has_pending() const;
  // Reads off the socket past TLS: for bytes that nobody will look at.
  [[nodiscard]] IoResult discard(char* data, std::size_t size);
  // Says goodbye and closes the sending half.
  void finish_sending();
  // Says goodbye as far as it can without waiting, and closes.
  void close();
  // Why the last call returned kFailed.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  IoResult ssl_outcome(int result);
  void say_goodbye();

  Socket socket_;
  SslPtr ssl_;
  std::string failure_;
  bool is_broken_ = false;  // after a fatal error of TLS nothing may be sent any more, not even a goodbye
};

// The oldest entry of OpenSSL's error queue as text; clears the queue. Empty without one.
[[nodiscard]] std::string take_ssl_error();

}  // namespace ffrtmp::net
