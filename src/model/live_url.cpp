#include "model/live_url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/text.h"

namespace ffrtmp::model {
namespace {

constexpr std::size_t kMaxUrl = 4096;

struct Scheme {
  std::string_view name;
  int port;  // 0: has to be written
};
constexpr std::array kSchemes{Scheme{"rtmp", 1935}, Scheme{"rtmps", 443}, Scheme{"srt", 0}, Scheme{"udp", 0}};

// Options that say how to send. "mode" and "listen" would open a port, "localaddr" and "sources" choose another
// network.
constexpr std::array<std::string_view, 3> kUdpOptions{"pkt_size", "ttl", "buffer_size"};
constexpr std::array<std::string_view, 5> kSrtOptions{"pkt_size", "latency", "streamid", "connect_timeout", "ttl"};

Error wrong(std::string message) { return make_error(Errc::kInvalid, std::move(message)); }

const Scheme* find_scheme(std::string_view name) {
  const auto found = std::find_if(kSchemes.begin(), kSchemes.end(), [&](const Scheme& s) { return s.name == name; });
  return found == kSchemes.end() ? nullptr : &*found;
}

bool is_visible(char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; }

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

// "host:1935", "[::1]", "host".
Status put_authority(LiveUrl& out, std::string_view text) {
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return wrong("has no end of its IPv6 address");
    out.host = to_lower(text.substr(1, end - 1));
    in6_addr address{};
    if (inet_pton(AF_INET6, out.host.c_str(), &address) != 1) return wrong("has no IPv6 address between its brackets");
    port = text.substr(end + 1);
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    out.host = to_lower(text.substr(0, colon));
    if (out.host.empty() || !std::all_of(out.host.begin(), out.host.end(), is_host_char)) return wrong("names no host");
    port = text.substr(colon);
  }
  if (port.empty()) return {};
  const auto number = port.front() == ':' ? parse_int(port.substr(1)) : std::nullopt;
  if (!number || *number < 1 || *number > 65535) return wrong("has no port from 1 to 65535");
  out.port = static_cast<int>(*number);
  return {};
}

Status check_query(const LiveUrl& url) {
  if (url.query.empty() || url.scheme == "rtmp" || url.scheme == "rtmps") return {};
  const auto is_known = [&](std::string_view name) {
    const auto in = [&](const auto& names) { return std::find(names.begin(), names.end(), name) != names.end(); };
    return url.scheme == "udp" ? in(kUdpOptions) : in(kSrtOptions);
  };
  for (const std::string_view option : split(url.query, '&')) {
    const std::string_view name = option.substr(0, option.find('='));
    if (name == "mode" && option == "mode=caller" && url.scheme == "srt") continue;
    if (!is_known(name)) return wrong(cat("has an option that is not allowed: ", escape(name)));
  }
  return {};
}

using V4 = std::array<std::uint8_t, 4>;

struct Range {
  V4 start;
  int bits;
};
constexpr std::array kRestricted{Range{{0, 0, 0, 0}, 8},    Range{{10, 0, 0, 0}, 8},     Range{{100, 64, 0, 0}, 10},
                                 Range{{127, 0, 0, 0}, 8},  Range{{169, 254, 0, 0}, 16}, Range{{172, 16, 0, 0}, 12},
                                 Range{{192, 0, 0, 0}, 24}, Range{{192, 168, 0, 0}, 16}, Range{{198, 18, 0, 0}, 15},
                                 Range{{224, 0, 0, 0}, 3}};

std::uint32_t number_of(const V4& a) {
  return std::uint32_t{a[0]} << 24 | std::uint32_t{a[1]} << 16 | std::uint32_t{a[2]} << 8 | a[3];
}

bool is_restricted(const V4& address) {
  return std::any_of(kRestricted.begin(), kRestricted.end(), [&](const Range& range) {
    return (number_of(address) ^ number_of(range.start)) >> (32 - range.bits) == 0;
  });
}

bool is_restricted(const in6_addr& address) {
  const auto& b = address.s6_addr;
  const auto zeros = [&](int from, int to) {
    return std::all_of(b + from, b + to, [](auto byte) { return byte == 0; });
  };
  const V4 last{b[12], b[13], b[14], b[15]};
  if (zeros(0, 10) && b[10] == 0xff && b[11] == 0xff) return is_restricted(last);  // ::ffff:a.b.c.d
  if (b[0] == 0 && b[1] == 0x64 && b[2] == 0xff && b[3] == 0x9b && zeros(4, 12)) return is_restricted(last);
  if (b[0] == 0x20 && b[1] == 0x02) return is_restricted(V4{b[2], b[3], b[4], b[5]});  // 6to4
  // Global unicast is 2000::/3; all the rest is loopback, unique local, link-local, multicast or not assigned.
  return (b[0] & 0xe0) != 0x20;
}

}  // namespace

std::string LiveUrl::text() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return cat(scheme, "://", is_v6 ? "[" : "", host, is_v6 ? "]" : "", ":", port, path, query.empty() ? "" : "?", query);
}

Result<LiveUrl> parse_live_url(std::string_view url) {
  if (url.size() > kMaxUrl) return wrong("is too long");
  if (!std::all_of(url.begin(), url.end(), is_visible)) return wrong("must not contain spaces or control characters");
  const std::size_t colon = url.find("://");
  LiveUrl out;
  out.scheme = to_lower(url.substr(0, std::min(colon, url.size())));
  const Scheme* const scheme = colon == std::string_view::npos ? nullptr : find_scheme(out.scheme);
  if (scheme == nullptr) return wrong("must begin with one of: rtmp://, rtmps://, srt://, udp://");
  out.port = scheme->port;
  std::string_view rest = url.substr(colon + 3);
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view authority = rest.substr(0, end);
  if (authority.find('@') != std::string_view::npos)
    return wrong("must not hold a user or password, which process lists would show: use stream_key");
  if (authority.empty()) return wrong("names no host");
  FFRTMP_TRY(put_authority(out, authority));
  if (out.port == 0) return wrong("needs a port");
  rest.remove_prefix(end);
  if (rest.find('#') != std::string_view::npos) return wrong("must not contain '#'");
  const std::size_t question = std::min(rest.find('?'), rest.size());
  out.path = rest.substr(0, question);
  out.query = question < rest.size() ? rest.substr(question + 1) : std::string_view();
  FFRTMP_TRY(check_query(out));
  return out;
}

std::optional<std::string> live_url_of(const Parameters& p) {
  if (!is_live(p.output_mode)) return std::nullopt;
  return p.output ? p.output : p.rtmp_url;
}

bool is_restricted_address(std::string_view address) {
  const std::string text(address);
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    const std::uint32_t n = ntohl(v4.s_addr);
    return is_restricted(V4{static_cast<std::uint8_t>(n >> 24), static_cast<std::uint8_t>(n >> 16),
                            static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)});
  }
  in6_addr v6{};
  return inet_pton(AF_INET6, text.c_str(), &v6) == 1 && is_restricted(v6);
}

bool needs_listing(const LiveUrl& url) {
  return url.scheme == "udp" || url.host == "localhost" || url.host.ends_with(".localhost") ||
         is_restricted_address(url.host);
}

std::string outlet_of(const LiveUrl& url) {
  LiveUrl bare = url;
  bare.path.clear();
  bare.query.clear();
  return bare.text();
}

namespace {

// A listed one as a URL; port 0: all of them.
Result<LiveUrl> parse_outlet(std::string_view listed) {
  const std::size_t colon = listed.find("://");
  const std::string_view authority = colon == std::string_view::npos ? "" : listed.substr(colon + 3);
  const std::size_t after_host = authority.starts_with('[') ? authority.find(']') : 0;
  const bool has_port =
      after_host != std::string_view::npos && authority.find(':', after_host) != std::string_view::npos;
  FFRTMP_ASSIGN(LiveUrl out, parse_live_url(has_port ? std::string(listed) : cat(listed, ":1")));
  if (!out.path.empty() || !out.query.empty()) return wrong("must be no more than scheme, host and port");
  if (!has_port) out.port = 0;
  return out;
}

}  // namespace

Status check_outlet(std::string_view listed) {
  FFRTMP_TRY(parse_outlet(listed));
  return {};
}

bool is_listed(const LiveUrl& url, const std::vector<std::string>& outlets) {
  return std::any_of(outlets.begin(), outlets.end(), [&](const std::string& listed) {
    if (listed.find("://") == std::string::npos) return false;
    const auto outlet = parse_outlet(listed);
    return outlet && outlet->scheme == url.scheme && outlet->host == url.host &&
           (outlet->port == 0 || outlet->port == url.port);
  });
}

}  // namespace ffrtmp::model
