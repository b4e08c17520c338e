#pragma once
// Where a live output of a job goes, and whether it may: what a host's name leads to counts, not how it is written.
// ffmpeg is given the address that was judged, so a name whose owner changes it in between changes nothing. Two look
// the name up again: ffmpeg with rtmps, which believes nobody without the name's certificate, and GStreamer.
#include <functional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "engine/engine.h"
#include "model/parameters.h"

namespace ffrtmp::worker {

// Addresses of a host as text. kUnavailable: it cannot be looked up now.
using ResolveHost = std::function<Result<std::vector<std::string>>(const std::string& host)>;
// By getaddrinfo(3).
[[nodiscard]] Result<std::vector<std::string>> resolve_host(const std::string& host);

struct LiveRules {
  std::string master_url;  // its host takes what names no address, at port 1935, application "live"
  std::vector<std::string> outlets;
  ResolveHost resolve = resolve_host;
};

struct LiveTarget {
  engine::LiveOutput output;  // without the files
  std::string muxer;          // "flv" or "mpegts"
  std::string shown;          // the whole address, the stream key hidden
};

// kForbidden: a host that is not public and not listed, or a user in the address. kUnavailable: the look-up failed.
// kCorrupt: the key is none (the master could not unseal it).
[[nodiscard]] Result<LiveTarget> plan_live_target(const model::Parameters& parameters, const Uuid& job,
                                                  const LiveRules& rules);

}  // namespace ffrtmp::worker
