#pragma once
// The address of a server. Strict: what a lenient reader could take for another host is refused.
#include <cstdint>
#include <string>

#include "base/result.h"

namespace ffrtmp::net {

struct Url {
  bool is_tls = true;
  std::string host;  // name or address, lower case, without brackets
  std::uint16_t port = 0;
  std::string path;  // without a slash at its end; empty for the root

  // As a Host header: with port unless it is the scheme's own.
  [[nodiscard]] std::string authority() const;
};

// "http://" or "https://", host, optional port and path. kInvalid names what is wrong: user info, a query, an odd host.
[[nodiscard]] Result<Url> parse_url(std::string_view text);

// Whether the host says by itself that it is this machine: localhost, 127.0.0.0/8, ::1. No look-up.
[[nodiscard]] bool is_loopback(const Url& url);

}  // namespace ffrtmp::net
