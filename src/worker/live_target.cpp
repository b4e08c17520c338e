#include "worker/live_target.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "model/live_url.h"

namespace ffrtmp::worker {
namespace {

using model::LiveUrl;

bool is_key(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

// "host" of "https://host:8080/x", with the brackets of an IPv6 address.
std::string_view host_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find('/'));
  const std::size_t bracket = url.starts_with('[') ? url.find(']') : std::string_view::npos;
  return bracket == std::string_view::npos ? url.substr(0, url.find(':')) : url.substr(0, bracket + 1);
}

// The address to use instead of the name; empty: the name, since the operator listed it.
Result<std::string> judge_host(const LiveUrl& url, const LiveRules& rules) {
  if (model::is_listed(url, rules.outlets)) return std::string();
  const auto refused = [&](const std::string& why) {
    return make_error(Errc::kForbidden, cat("no permission to send to ", model::outlet_of(url), ": ", why,
                                            ", and it is not listed (--allow-output)"));
  };
  if (model::needs_listing(url))
    return refused(url.scheme == "udp" ? "udp goes to listed hosts only" : "it is not public");
  FFRTMP_ASSIGN(const auto addresses, rules.resolve(url.host));
  for (const std::string& address : addresses)
    if (model::is_restricted_address(address)) return refused(cat("it leads to ", address, ", which is not public"));
  return addresses.empty() ? std::string() : addresses.front();
}

// What ffmpeg takes for the application of an RTMP path: "live" of "/live/x", "a/b" of "/a/b/x" (rtmpproto.c, 5.1).
std::string_view application_of(std::string_view path) {
  path.remove_prefix(std::min<std::size_t>(path.size(), 1));
  const std::size_t first = path.find('/');
  if (first == std::string_view::npos) return {};
  const std::size_t second = path.find('/', first + 1);
  return path.substr(0, second == std::string_view::npos ? first : second);
}

void use_address(engine::LiveOutput& output, LiveUrl url, const std::string& address) {
  if (address.empty() || address == url.host || (url.scheme != "rtmp" && url.scheme != "srt")) return;
  if (url.scheme == "rtmp") {
    LiveUrl told = url;
    told.path = cat("/", output.app.empty() ? application_of(url.path) : std::string_view(output.app));
    told.query.clear();
    output.told_url = told.text();
  }
  url.host = address;
  output.address_url = url.text();
}

}  // namespace

Result<std::vector<std::string>> resolve_host(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int wrong = getaddrinfo(host.c_str(), nullptr, &hints, &found); wrong != 0)
    return make_error(Errc::kUnavailable, cat("cannot look up ", host, ": ", gai_strerror(wrong)));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  std::vector<std::string> out;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0)
      out.emplace_back(std::string_view(text).substr(0, std::string_view(text).find('%')));
  }
  return out;
}

Result<LiveTarget> plan_live_target(const model::Parameters& p, const Uuid& job, const LiveRules& rules) {
  if (p.stream_key && !is_key(*p.stream_key))
    return make_error(Errc::kCorrupt, "the master could not tell the stream_key");
  const auto named = model::live_url_of(p);
  const std::string by_default =
      cat("rtmp://", host_of(rules.master_url), ":1935/live", p.stream_key ? "" : cat("/", job.str()));
  auto url = model::parse_live_url(named.value_or(by_default));
  if (!url) return make_error(Errc::kForbidden, url.error().message);
  std::string address;
  if (named) {
    FFRTMP_ASSIGN(address, judge_host(*url, rules));
  }
  LiveTarget out;
  out.muxer = url->scheme == "rtmp" || url->scheme == "rtmps" ? "flv" : "mpegts";
  out.output.url = url->text();
  out.shown = out.output.url;
  if (p.stream_key) {
    while (url->path.ends_with('/')) url->path.pop_back();
    out.output.url = url->text();
    out.output.app = cat(url->path.substr(1), url->query.empty() ? "" : "?", url->query);
    out.shown = cat(out.output.url, "/***");
  }
  use_address(out.output, *url, address);
  return out;
}

}  // namespace ffrtmp::worker
