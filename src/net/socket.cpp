#include "net/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "base/text.h"

namespace ffrtmp::net {
namespace {

constexpr int kBacklog = 4096;  // a fleet that reconnects at once after a restart; the kernel caps it at somaxconn

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Result<Address> parse_address(const std::string& text, std::uint16_t port) {
  Address address;
  if (auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
      inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.size = sizeof *v4;
    return address;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) != 1) {
    return make_error(Errc::kInvalid, cat("\"", text, "\" is no IP address to listen on"));
  }
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  address.size = sizeof *v6;
  return address;
}

Error cannot_listen(const std::string& address, std::uint16_t port) {
  const int err = errno;
  return Error{
      Errc::kUnavailable, err, cat("cannot listen on ", join_host_port(address, port), ": ", std::strerror(err)), {}};
}

void set_option(const Socket& socket, int level, int name, int value) {
  // A kernel that lacks the option leaves its default, which is slower but right.
  (void)::setsockopt(socket.fd(), level, name, &value, sizeof value);
}

}  // namespace

void Socket::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::string join_host_port(std::string_view host, std::uint16_t port) {
  const bool is_v6 = host.find(':') != std::string_view::npos;
  return is_v6 ? cat("[", host, "]:", port) : cat(host, ":", port);
}

Result<Socket> listen_tcp(const std::string& address, std::uint16_t port) {
  FFRTMP_ASSIGN(const Address where, parse_address(address, port));
  Socket socket(::socket(where.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return cannot_listen(address, port);
  set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1);
  if (where.storage.ss_family == AF_INET6) set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&where.storage), where.size) != 0 ||
      ::listen(socket.fd(), kBacklog) != 0) {
    return cannot_listen(address, port);
  }
  return socket;
}

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return make_error(Errc::kInvalid, cat("\"", escape(path), "\" is too long for a socket's path"));
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Result<Socket> listen_unix(const std::string& path) {
  FFRTMP_ASSIGN(const sockaddr_un address, unix_address(path));
  Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return last_sys_error("socket");
  (void)::unlink(path.c_str());
  if (::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(socket.fd(), kBacklog) != 0) {
    const int err = errno;
    return Error{Errc::kUnavailable, err, cat("cannot listen on ", path, ": ", std::strerror(err)), {}};
  }
  return socket;
}

std::uint16_t local_port(const Socket& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
}

std::string address_text(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_UNIX) return "unix";
  if (address->sa_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text, sizeof text);
    return text;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) {
    inet_ntop(AF_INET, v6.s6_addr + 12, text, sizeof text);
  } else {
    inet_ntop(AF_INET6, &v6, text, sizeof text);
  }
  return text;
}

void tune(const Socket& socket) {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 60);  // seconds; 60 + 4 x 15 = two minutes
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, 4);
}

}  // namespace ffrtmp::net
