#include "net/url.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/text.h"
#include "net/socket.h"

namespace ffrtmp::net {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;
constexpr std::size_t kHostLimit = 253;  // RFC 1035 section 2.3.4, as text

Error bad_url(std::string_view text, std::string_view why) {
  return make_error(Errc::kInvalid, cat("\"", escape(text), "\" is no URL of a server: ", why));
}

bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > kHostLimit || host.front() == '-') return false;
  return std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

bool is_v6_address(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

// Splits "host", "host:port", "[::1]:port" into the host (brackets kept) and the port's text.
std::pair<std::string_view, std::string_view> split_port(std::string_view authority) {
  const auto close = authority.find(']');
  const auto colon = authority.find(':', close == std::string_view::npos ? 0 : close);
  if (colon == std::string_view::npos) return {authority, {}};
  return {authority.substr(0, colon), authority.substr(colon)};
}

}  // namespace

std::string Url::authority() const {
  if (port != (is_tls ? kHttpsPort : kHttpPort)) return join_host_port(host, port);
  return host.find(':') == std::string::npos ? host : cat("[", host, "]");
}

Result<Url> parse_url(std::string_view text) {
  Url url;
  const auto mark = text.find("://");
  const std::string scheme = to_lower(text.substr(0, mark));
  if (mark == std::string_view::npos || (scheme != "http" && scheme != "https")) {
    return bad_url(text, "it starts with neither https:// nor http://");
  }
  url.is_tls = scheme == "https";
  const auto rest = text.substr(mark + 3);
  const auto slash = rest.find('/');
  const auto authority = rest.substr(0, slash);
  if (authority.find('@') != std::string_view::npos) return bad_url("…", "it carries user info");
  const auto [host, port] = split_port(authority);
  url.host = to_lower(host);
  if (url.host.starts_with('[') && url.host.ends_with(']')) {
    url.host = url.host.substr(1, url.host.size() - 2);
    if (!is_v6_address(url.host)) return bad_url(text, "no IPv6 address stands between the brackets");
  } else if (!is_host_name(url.host)) {
    return bad_url(text, "its host is no name or address");
  }
  url.port = url.is_tls ? kHttpsPort : kHttpPort;
  if (!port.empty()) {
    const auto number = parse_int(port.substr(1));
    if (!number || *number < 1 || *number > 65535) return bad_url(text, "its port is not 1 to 65535");
    url.port = static_cast<std::uint16_t>(*number);
  }
  if (slash == std::string_view::npos) return url;
  url.path = rest.substr(slash);
  const bool is_odd =
      std::ranges::any_of(url.path, [](char c) { return c <= ' ' || c == '?' || c == '#' || c == 127; });
  if (is_odd) return bad_url(text, "its path has a query or odd characters");
  while (url.path.ends_with('/')) url.path.pop_back();
  return url;
}

bool is_loopback(const Url& url) {
  in_addr v4{};
  if (inet_pton(AF_INET, url.host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  return url.host == "localhost" || url.host == "::1";
}

}  // namespace ffrtmp::net
