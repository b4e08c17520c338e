#pragma once
// What all TLS connections of a server or a client share.
#include "base/result.h"
#include "net/stream.h"
#include "net/tls.h"

namespace ffrtmp::net {

// TLS 1.2 and up with the given certificate. kInvalid naming the file that cannot be used.
[[nodiscard]] Result<SslCtxPtr> make_server_context(const CertificateFiles& files);
// Trusts `ca_file`, or the system's CAs when it is empty. kInvalid when it cannot be read.
[[nodiscard]] Result<SslCtxPtr> make_client_context(const std::string& ca_file, bool verify);

// A server's end of a connection on `socket`.
[[nodiscard]] Stream accept_tls(SSL_CTX* context, Socket socket);
// A client's end that wants to see a certificate for `host`, a name or an address, if the context verifies.
[[nodiscard]] Result<Stream> connect_tls(SSL_CTX* context, Socket socket, const std::string& host);

}  // namespace ffrtmp::net
