#include "sys/unix_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "sys/file_io.h"

namespace ffrtmp::sys {
namespace {

struct Address {
  sockaddr_un raw{};
  Fd dir;  // keeps the short path valid
};

Result<Address> address_of(const Host& host, const std::string& path) {
  Address address;
  address.raw.sun_family = AF_UNIX;
  std::string name = path;
  if (name.size() >= sizeof address.raw.sun_path) {
    const auto slash = path.rfind('/');
    FFRTMP_ASSIGN(address.dir, open_file(path.substr(0, slash), O_PATH | O_DIRECTORY));
    name = cat(host.proc, "/self/fd/", address.dir.get(), path.substr(slash));
    if (name.size() >= sizeof address.raw.sun_path)
      return make_error(Errc::kInvalid, cat("socket name too long: ", path));
  }
  std::memcpy(address.raw.sun_path, name.c_str(), name.size() + 1);
  return address;
}

Result<Fd> make_socket(int flags) {
  Fd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0));
  if (!fd) return last_sys_error("socket");
  return fd;
}

}  // namespace

Result<Fd> listen_unix(const Host& host, const std::string& path) {
  FFRTMP_ASSIGN(const Address address, address_of(host, path));
  FFRTMP_ASSIGN(Fd fd, make_socket(SOCK_NONBLOCK));
  unlink(path.c_str());
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.raw), sizeof address.raw) != 0)
    return last_sys_error(cat("bind ", path));
  if (chmod(path.c_str(), 0600) != 0) return last_sys_error(cat("chmod ", path));
  if (listen(fd.get(), 16) != 0) return last_sys_error(cat("listen ", path));
  return fd;
}

Result<Fd> connect_unix(const Host& host, const std::string& path) {
  FFRTMP_ASSIGN(const Address address, address_of(host, path));
  FFRTMP_ASSIGN(Fd fd, make_socket(0));
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.raw), sizeof address.raw) != 0) {
    Error error = last_sys_error(cat("connect ", path));
    if (error.sys == ECONNREFUSED) error.code = Errc::kGone;
    return error;
  }
  return fd;
}

Result<std::pair<Fd, Fd>> make_unix_pair() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return last_sys_error("socketpair");
  return std::pair(Fd(ends[0]), Fd(ends[1]));
}

Result<Fd> accept_unix(const Fd& listener) {
  Fd fd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (fd) return fd;
  if (errno == EAGAIN || errno == EINTR) return make_error(Errc::kTimeout, "nobody connects");
  return last_sys_error("accept");
}

Status send_message(const Fd& socket, std::string_view message) {
  ssize_t n = 0;
  do n = send(socket.get(), message.data(), message.size(), MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n >= 0) return {};
  Error error = last_sys_error("send");
  if (error.sys == EPIPE || error.sys == ECONNRESET || error.sys == EAGAIN || error.sys == ENOTCONN)
    error.code = Errc::kUnavailable;
  return error;
}

Result<std::string> receive_message(const Fd& socket, std::chrono::milliseconds wait, std::size_t max_bytes) {
  const auto until = std::chrono::steady_clock::now() + wait;
  std::string message(max_bytes, '\0');
  for (;;) {
    const ssize_t n = recv(socket.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (n == 0 || (n < 0 && errno == ECONNRESET)) return make_error(Errc::kUnavailable, "the peer is gone");
    if (n > 0 && static_cast<std::size_t>(n) > max_bytes)
      return make_error(Errc::kTooLarge, cat("a message of ", n, " bytes"));
    if (n > 0) {
      message.resize(static_cast<std::size_t>(n));
      return message;
    }
    if (errno != EAGAIN && errno != EINTR) return last_sys_error("recv");
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return make_error(Errc::kTimeout, "no message");
    pollfd item{socket.get(), POLLIN, 0};
    poll(&item, 1, static_cast<int>(left.count()));
  }
}

}  // namespace ffrtmp::sys
