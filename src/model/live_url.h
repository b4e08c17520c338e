#pragma once
// The address of a live output, and which hosts one may send to without being told. Text only; whoever opens a
// connection looks at what a name resolves to as well (worker/live_target.h).
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/parameters.h"

namespace ffrtmp::model {

struct LiveUrl {
  std::string scheme;  // "rtmp", "rtmps", "srt", "udp"
  std::string host;    // lower case; an IPv6 address without its brackets
  int port = 0;        // as written, or the scheme's
  std::string path;    // "/live/x", or empty
  std::string query;   // "pkt_size=1316", or empty
  [[nodiscard]] std::string text() const;
};

[[nodiscard]] constexpr bool is_live(OutputMode mode) {
  return mode == OutputMode::kRtmp || mode == OutputMode::kStream;
}

// kInvalid says what is wrong: another scheme, no host, no port where the scheme has none of its own, a user or
// password (a process list would show it), an option that would make ffmpeg listen.
[[nodiscard]] Result<LiveUrl> parse_live_url(std::string_view url);
// Of the job, when it names one; the worker has a default.
[[nodiscard]] std::optional<std::string> live_url_of(const Parameters& parameters);

// Loopback, private, link-local, multicast and reserved: reached from a worker, not from everywhere. Anything that is
// no address in its usual text is false. Source: IANA special-purpose address registries, RFC 6890.
[[nodiscard]] bool is_restricted_address(std::string_view address);
// Whether a worker has to list it: every udp output, a restricted address, localhost.
[[nodiscard]] bool needs_listing(const LiveUrl& url);
// "rtmp://127.0.0.1:1935": what it is asked for under.
[[nodiscard]] std::string outlet_of(const LiveUrl& url);
// A listed one: scheme and host, and the port unless every port is meant. kInvalid: more than that, or less.
[[nodiscard]] Status check_outlet(std::string_view listed);
// Entries that are no URLs (directories) are skipped.
[[nodiscard]] bool is_listed(const LiveUrl& url, const std::vector<std::string>& outlets);

}  // namespace ffrtmp::model
