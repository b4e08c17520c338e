#pragma once
// TCP sockets, non-blocking and closed on exec.
#include <sys/un.h>

#include <cstdint>
#include <string>
#include <utility>

#include "base/result.h"

struct sockaddr;

namespace ffrtmp::net {

// Owns a file descriptor.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Socket() { reset(); }

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_ = -1;
};

// "127.0.0.1:8080", "[::1]:8080".
[[nodiscard]] std::string join_host_port(std::string_view host, std::uint16_t port);
// A listening socket on a numeric address; port 0 picks a free one. kInvalid for no address, else kUnavailable; both
// name address and port. "::" takes IPv4 too.
[[nodiscard]] Result<Socket> listen_tcp(const std::string& address, std::uint16_t port);
// A listening socket at `path`, mode 0600; a file left there by an earlier run is replaced.
[[nodiscard]] Result<Socket> listen_unix(const std::string& path);
// The address of a socket file; kInvalid for a path beyond the 107 bytes that one holds.
[[nodiscard]] Result<sockaddr_un> unix_address(const std::string& path);
[[nodiscard]] std::uint16_t local_port(const Socket& socket);
// Numeric address without port; an IPv4 address that came over IPv6 in its own form; "unix" for a local peer.
[[nodiscard]] std::string address_text(const sockaddr* address);
// No delay for small messages; a peer that vanished without a word is found within two minutes.
void tune(const Socket& socket);

}  // namespace ffrtmp::net
