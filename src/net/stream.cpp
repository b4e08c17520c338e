#include "net/stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace ffrtmp::net {
namespace {

bool is_retry(int err) { return err == EAGAIN || err == EWOULDBLOCK || err == EINTR; }

int bio_fd(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

// OpenSSL's own socket BIO writes without MSG_NOSIGNAL: a peer that went away would kill the process by SIGPIPE.
int bio_write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto sent = ::send(bio_fd(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (sent < 0 && is_retry(errno)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int bio_read(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto got = ::recv(bio_fd(bio), data, static_cast<std::size_t>(size), 0);
  if (got < 0 && is_retry(errno)) BIO_set_retry_read(bio);
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(got);
}

long bio_ctrl(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return 0;
}

BIO_METHOD* make_socket_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ffrtmp socket");
  if (method == nullptr) return nullptr;
  BIO_meth_set_write(method, bio_write);
  BIO_meth_set_read(method, bio_read);
  BIO_meth_set_ctrl(method, bio_ctrl);
  BIO_meth_set_create(method, [](BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  });
  return method;
}

const BIO_METHOD* socket_method() {
  static const BIO_METHOD* const method = make_socket_method();
  return method;
}

IoResult plain_outcome(ssize_t count, Io wait) {
  if (count > 0) return {Io::kDone, static_cast<std::size_t>(count)};
  if (count == 0) return {Io::kClosed, 0};
  return {is_retry(errno) ? wait : Io::kFailed, 0};
}

}  // namespace

void SslDelete::operator()(SSL* ssl) const { SSL_free(ssl); }
void SslCtxDelete::operator()(SSL_CTX* context) const { SSL_CTX_free(context); }

std::string take_ssl_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return {};
  if (const char* reason = ERR_reason_error_string(code); reason != nullptr) return reason;
  char text[256];
  ERR_error_string_n(code, text, sizeof text);
  return text;
}

Stream::Stream(Socket socket, SslPtr ssl) : socket_(std::move(socket)), ssl_(std::move(ssl)) {
  if (!ssl_) return;
  BIO* bio = BIO_new(socket_method());
  if (bio == nullptr) return;  // every later call fails and says so
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket_.fd())));
  SSL_set_bio(ssl_.get(), bio, bio);
}

IoResult Stream::ssl_outcome(int result) {
  const int err = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {Io::kWantRead, 0};
    case SSL_ERROR_WANT_WRITE:
      return {Io::kWantWrite, 0};
    case SSL_ERROR_ZERO_RETURN:
      return {Io::kClosed, 0};
    case SSL_ERROR_SYSCALL:
      is_broken_ = true;
      failure_ = err != 0 ? std::strerror(err) : "connection closed";
      ERR_clear_error();
      return {Io::kFailed, 0};
    default:
      is_broken_ = true;
      failure_ = take_ssl_error();
      return {Io::kFailed, 0};
  }
}

IoResult Stream::handshake() {
  if (!ssl_) return {};
  errno = 0;
  const int result = SSL_do_handshake(ssl_.get());
  return result == 1 ? IoResult{} : ssl_outcome(result);
}

IoResult Stream::read(char* data, std::size_t size) {
  if (!ssl_) {
    const auto outcome = plain_outcome(::recv(socket_.fd(), data, size, 0), Io::kWantRead);
    if (outcome.state == Io::kFailed) failure_ = std::strerror(errno);
    return outcome;
  }
  errno = 0;
  std::size_t got = 0;
  const int result = SSL_read_ex(ssl_.get(), data, size, &got);
  return result == 1 ? IoResult{Io::kDone, got} : ssl_outcome(result);
}

IoResult Stream::write(std::string_view data) {
  if (!ssl_) {
    const auto outcome = plain_outcome(::send(socket_.fd(), data.data(), data.size(), MSG_NOSIGNAL), Io::kWantWrite);
    if (outcome.state == Io::kFailed) failure_ = std::strerror(errno);
    return outcome;
  }
  errno = 0;
  std::size_t sent = 0;
  const int result = SSL_write_ex(ssl_.get(), data.data(), data.size(), &sent);
  return result == 1 ? IoResult{Io::kDone, sent} : ssl_outcome(result);
}

bool Stream::has_pending() const { return ssl_ && SSL_has_pending(ssl_.get()) == 1; }

IoResult Stream::discard(char* data, std::size_t size) {
  return plain_outcome(::recv(socket_.fd(), data, size, 0), Io::kWantRead);
}

void Stream::say_goodbye() {
  if (!ssl_ || is_broken_ || SSL_is_init_finished(ssl_.get()) == 0) return;
  // A peer that finds no goodbye treats the close as an attack (truncation); one that is not there does not mind.
  (void)SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

void Stream::finish_sending() {
  say_goodbye();
  (void)::shutdown(socket_.fd(), SHUT_WR);
}

void Stream::close() {
  if (!socket_.is_open()) return;
  say_goodbye();
  ssl_.reset();
  socket_.reset();
}

}  // namespace ffrtmp::net
