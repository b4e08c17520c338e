#pragma once
// Every packet of a file: when it is shown, where its bytes lie. One ffprobe run gives them with the headers.
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "media/probe.h"

namespace ffrtmp::media {

inline constexpr double kNoTime = std::numeric_limits<double>::quiet_NaN();

struct Packet {
  int stream = -1;
  double pts = kNoTime;  // seconds
  double dts = kNoTime;
  double duration = kNoTime;
  std::int64_t size = 0;  // bytes
  std::int64_t pos = -1;  // of the packet, or of its container's block, in the file
  bool key = false;
  bool discard = false;  // primes the decoder, is not shown
};

struct Scan {
  Probe probe;
  std::vector<Packet> packets;  // in file order; empty after a probe of headers only
  std::string complaints;       // what ffprobe said on stderr although it succeeded
};

// As probe_file, with the packets themselves.
[[nodiscard]] Result<Scan> scan_file(const std::string& path, const ProbeOptions& options, const RunTool& run);
// Reads `ffprobe -of compact`; kCorrupt names line and item. Pure.
[[nodiscard]] Result<Scan> parse_scan(std::string_view text);

}  // namespace ffrtmp::media
