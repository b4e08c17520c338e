#pragma once
// Certificates of ffrtmp's own: a small CA and a server certificate, made once in the state directory.
#include <string>
#include <vector>

#include "base/result.h"

namespace ffrtmp::net {

struct CertificateFiles {
  std::string certificate;  // PEM chain
  std::string key;          // PEM, 0600
  std::string ca;           // PEM of the CA that signed it
};

// Makes DIR/ca.crt, ca.key, server.crt, server.key (keys 0600; EC P-256) for localhost, 127.0.0.1, ::1, this host's
// name and the given names and addresses, unless they exist, are valid for 30 more days and cover those names.
[[nodiscard]] Result<CertificateFiles> ensure_certificates(const std::string& dir,
                                                           const std::vector<std::string>& hosts,
                                                           const std::vector<std::string>& ips);

}  // namespace ffrtmp::net
