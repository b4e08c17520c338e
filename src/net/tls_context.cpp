#include "net/tls_context.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/text.h"

namespace ffrtmp::net {
namespace {

Error file_error(std::string_view what, const std::string& path) {
  return make_error(Errc::kInvalid, cat(what, " ", path, " cannot be used: ", take_ssl_error()));
}

// Partial writes and moving buffers fit a caller that sends what is left; waiting connections hold no buffers; one read
// call takes the head and the body of a record.
void set_common(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
}

bool is_address(const std::string& host) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 || inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

bool expect_peer(SSL* ssl, const std::string& host) {
  if (is_address(host)) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

}  // namespace

Result<SslCtxPtr> make_server_context(const CertificateFiles& files) {
  ERR_clear_error();
  SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context) return make_error(Errc::kInternal, cat("TLS: ", take_ssl_error()));
  set_common(context.get());
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // Sessions travel in tickets; a cache would hold memory for every client that ever came.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 1);
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1) {
    return file_error("certificate", files.certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return file_error("key", files.key);
  }
  return context;
}

Result<SslCtxPtr> make_client_context(const std::string& ca_file, bool verify) {
  ERR_clear_error();
  SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  if (!context) return make_error(Errc::kInternal, cat("TLS: ", take_ssl_error()));
  set_common(context.get());
  SSL_CTX_set_verify(context.get(), verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!ca_file.empty()) {
    if (SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr) != 1) return file_error("CA", ca_file);
  } else if (verify) {
    (void)SSL_CTX_set_default_verify_paths(context.get());  // a host without CAs trusts nobody, and says so later
  }
  return context;
}

Stream accept_tls(SSL_CTX* context, Socket socket) {
  SslPtr ssl(SSL_new(context));
  if (ssl) SSL_set_accept_state(ssl.get());
  return ssl ? Stream(std::move(socket), std::move(ssl)) : Stream();
}

Result<Stream> connect_tls(SSL_CTX* context, Socket socket, const std::string& host) {
  SslPtr ssl(SSL_new(context));
  if (!ssl || !expect_peer(ssl.get(), host)) return make_error(Errc::kInternal, cat("TLS: ", take_ssl_error()));
  SSL_set_connect_state(ssl.get());
  return Stream(std::move(socket), std::move(ssl));
}

}  // namespace ffrtmp::net
