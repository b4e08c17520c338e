#include "media/bitstream.h"

#include <fcntl.h>

#include <cmath>

#include "base/text.h"
#include "sys/file_io.h"

namespace ffrtmp::media {
namespace {

enum class Kind { kNone, kH264, kHevc, kArithmetic };

constexpr std::size_t kZeroRun = 64;
// A Matroska block has its track, time and flags in front of the data, and an element header of up to 12 bytes.
constexpr std::size_t kMaxBlockHeader = 24;

unsigned byte(std::string_view data, std::size_t at) { return static_cast<unsigned char>(data[at]); }

Kind kind_of(const ProbedStream& stream) {
  if (stream.type != "video" || stream.is_attached_pic) return Kind::kNone;
  if (stream.codec == "h264") return stream.nal_length_bytes.value_or(0) > 0 ? Kind::kH264 : Kind::kNone;
  if (stream.codec == "hevc") return Kind::kHevc;
  if (stream.codec == "vp8" || stream.codec == "vp9" || stream.codec == "av1") return Kind::kArithmetic;
  return Kind::kNone;
}

bool legal_header(std::string_view unit, Kind kind) {
  if (unit.empty() || (byte(unit, 0) & 0x80) != 0) return false;  // forbidden_zero_bit
  if (kind == Kind::kH264) return (byte(unit, 0) & 0x1f) != 0;    // type 0 is unspecified
  return unit.size() >= 2 && (byte(unit, 1) & 0x07) != 0;         // nuh_temporal_id_plus1 is never 0
}

// Position of a 00 00 0x, x <= 2; looks at every third byte where that is not small.
std::optional<std::size_t> unescaped(std::string_view unit) {
  std::size_t i = 2;
  while (i < unit.size()) {
    if (byte(unit, i) > 2)
      i += 3;
    else if (unit[i - 1] != 0)
      i += byte(unit, i) == 0 ? 1 : 2;
    else if (unit[i - 2] != 0)
      i += 1;
    else
      return i - 2;
  }
  return std::nullopt;
}

// Whether units with lengths of `length_bytes` fill `data` exactly.
bool lengths_fill(std::string_view data, std::size_t length_bytes) {
  while (!data.empty()) {
    if (data.size() <= length_bytes) return false;
    std::size_t length = 0;
    for (std::size_t i = 0; i < length_bytes; ++i) length = length << 8 | byte(data, i);
    if (length == 0 || length > data.size() - length_bytes) return false;
    data.remove_prefix(length_bytes + length);
  }
  return true;
}

// What is wrong with units that fill `data`.
std::string wrong_units(std::string_view data, std::size_t length_bytes, Kind kind) {
  while (!data.empty()) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < length_bytes; ++i) length = length << 8 | byte(data, i);
    const std::string_view unit = data.substr(length_bytes, length);
    if (!legal_header(unit, kind)) return "an illegal unit";
    if (unescaped(unit)) return "bytes that no encoder writes";
    data.remove_prefix(length_bytes + length);
  }
  return {};
}

std::string wrong_nals(std::string_view read, std::size_t size, std::size_t length_bytes, Kind kind) {
  std::string wrong = "units that do not fill the packet";
  for (std::size_t header = 0; header <= kMaxBlockHeader && header + size <= read.size(); ++header) {
    const std::string_view data = read.substr(header, size);
    if (!lengths_fill(data, length_bytes)) continue;
    wrong = wrong_units(data, length_bytes, kind);
    if (wrong.empty()) return {};
  }
  return wrong;
}

std::string zero_run(std::string_view data) {
  std::size_t run = 0;
  for (const char c : data) {
    run = c == 0 ? run + 1 : 0;
    if (run == kZeroRun) return "a run of zero bytes";
  }
  return {};
}

std::string place(const ProbedStream& stream, const Packet& packet) {
  const double time = std::isnan(packet.pts) ? packet.dts : packet.pts;
  return cat("the video (stream ", stream.index, ") is damaged ",
             std::isnan(time) ? "" : cat("at ", format_fixed(time, 2), " s, "), "byte ", packet.pos, ": ");
}

}  // namespace

Result<std::optional<std::string>> find_damage(const std::string& path, const Scan& scan) {
  const bool in_blocks = scan.probe.format.starts_with("matroska");
  if (!in_blocks && !scan.probe.format.starts_with("mov")) return std::optional<std::string>();
  std::vector<const ProbedStream*> streams;
  for (const ProbedStream& stream : scan.probe.streams) {
    const auto index = static_cast<std::size_t>(stream.index);
    if (streams.size() <= index) streams.resize(index + 1, nullptr);
    streams[index] = kind_of(stream) == Kind::kNone ? nullptr : &stream;
  }
  FFRTMP_ASSIGN(const sys::Fd fd, sys::open_file(path, O_RDONLY | O_CLOEXEC));
  for (const Packet& packet : scan.packets) {
    const auto index = static_cast<std::size_t>(packet.stream);
    const ProbedStream* const stream = index < streams.size() ? streams[index] : nullptr;
    if (stream == nullptr || packet.pos < 0 || packet.size <= 0) continue;
    const auto size = static_cast<std::size_t>(packet.size);
    FFRTMP_ASSIGN(const std::string bytes,
                  sys::read_at(fd.get(), size + (in_blocks ? kMaxBlockHeader : 0), packet.pos));
    if (bytes.size() < size) return std::optional(cat(place(*stream, packet), "the file ends before it"));
    const Kind kind = kind_of(*stream);
    const std::string wrong =
        kind == Kind::kArithmetic
            ? zero_run(bytes)
            : wrong_nals(bytes, size, static_cast<std::size_t>(stream->nal_length_bytes.value_or(4)), kind);
    if (!wrong.empty()) return std::optional(cat(place(*stream, packet), wrong));
  }
  return std::optional<std::string>();
}

Result<std::optional<std::string>> find_ts_damage(const std::string& path) {
  FFRTMP_ASSIGN(const sys::Fd fd, sys::open_file(path, O_RDONLY | O_CLOEXEC));
  FFRTMP_ASSIGN(const std::string head, sys::read_at(fd.get(), 5, 0));
  // M2TS puts a time of four bytes in front of each packet.
  const std::size_t lead = head.size() == 5 && byte(head, 0) != 0x47 && byte(head, 4) == 0x47 ? 4 : 0;
  const std::size_t step = lead + 188;
  const std::size_t chunk_bytes = step * 4096;
  for (off_t offset = 0;; offset += static_cast<off_t>(chunk_bytes)) {
    FFRTMP_ASSIGN(const std::string chunk, sys::read_at(fd.get(), chunk_bytes, offset));
    for (std::size_t i = 0; i < chunk.size(); i += step) {
      const bool whole = i + step <= chunk.size();
      if (whole && byte(chunk, i + lead) == 0x47 && (byte(chunk, i + lead + 1) & 0x80) == 0) continue;
      return std::optional(cat("the transport stream is damaged at byte ", offset + static_cast<off_t>(i)));
    }
    if (chunk.size() < chunk_bytes) return std::optional<std::string>();
  }
}

}  // namespace ffrtmp::media
