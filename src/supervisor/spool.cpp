#include "supervisor/spool.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "supervisor/link.h"
#include "sys/file_io.h"

namespace ffrtmp::supervisor {
namespace {

constexpr std::uint64_t kMagic = 0x31676f4c74724646;  // "FFrtLog1"
constexpr std::int64_t kHeaderBytes = 4096;           // a page, so that the regions are aligned

struct Offsets {
  std::uint64_t reserved = 0;
  std::uint64_t end = 0;
  std::uint64_t check = kMagic;
};
struct Header {
  std::uint64_t magic = kMagic;
  std::int64_t head_bytes = 0;
  std::int64_t tail_bytes = 0;
  Offsets offsets;
};
constexpr off_t kOffsetsAt = offsetof(Header, offsets);

template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

SpoolState state_of(std::int64_t head, std::int64_t tail, std::int64_t end) {
  return {end, std::min(head, end), std::max(std::min(head, end), end - tail)};
}

// A writer is at most one pwrite away from a whole pair of offsets.
constexpr int kHeaderTries = 1000;

Result<Header> read_header(const sys::Fd& file, const std::string& path) {
  for (int i = 0; i < kHeaderTries; ++i) {
    FFRTMP_ASSIGN(const std::string text, sys::read_at(file.get(), sizeof(Header), 0));
    Header header;
    if (text.size() != sizeof header) break;
    std::memcpy(&header, text.data(), sizeof header);
    if (header.magic != kMagic || header.head_bytes < 0 || header.tail_bytes <= 0) break;
    if ((header.offsets.reserved ^ header.offsets.end ^ kMagic) == header.offsets.check) return header;
  }
  return make_error(Errc::kCorrupt, cat(path, ": no log spool"));
}

// [offset, offset + size) of one region that is a ring of `ring` bytes starting at file position `at`.
Result<std::string> read_ring(const sys::Fd& file, std::int64_t at, std::int64_t ring, std::int64_t offset,
                              std::int64_t size) {
  const std::int64_t place = offset % ring;
  const std::int64_t first = std::min(size, ring - place);
  FFRTMP_ASSIGN(std::string data, sys::read_at(file.get(), static_cast<std::size_t>(first), at + place));
  if (first < size) {
    FFRTMP_ASSIGN(const std::string rest, sys::read_at(file.get(), static_cast<std::size_t>(size - first), at));
    data += rest;
  }
  return data;
}

Result<std::string> read_kept(const sys::Fd& file, const Header& header, std::int64_t offset, std::int64_t size) {
  std::string data;
  if (offset < header.head_bytes) {
    const std::int64_t part = std::min(size, header.head_bytes - offset);
    FFRTMP_ASSIGN(data, sys::read_at(file.get(), static_cast<std::size_t>(part), kHeaderBytes + offset));
    offset += part;
    size -= part;
  }
  if (size > 0) {
    FFRTMP_ASSIGN(const std::string rest, read_ring(file, kHeaderBytes + header.head_bytes, header.tail_bytes,
                                                    offset - header.head_bytes, size));
    data += rest;
  }
  return data;
}

}  // namespace

Result<Spool> Spool::create(const std::string& path, std::int64_t head_bytes, std::int64_t tail_bytes) {
  Spool spool;
  spool.head_bytes_ = std::max<std::int64_t>(head_bytes, 0);
  spool.tail_bytes_ = std::max<std::int64_t>(tail_bytes, 1);
  FFRTMP_ASSIGN(spool.file_, sys::open_file(path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600));
  Header header;
  header.head_bytes = spool.head_bytes_;
  header.tail_bytes = spool.tail_bytes_;
  std::string page(kHeaderBytes, '\0');
  std::memcpy(page.data(), &header, sizeof header);
  FFRTMP_TRY(sys::write_all_at(spool.file_.get(), page, 0));
  return spool;
}

Result<Spool> Spool::open(const std::string& path, std::int64_t head_bytes, std::int64_t tail_bytes) {
  auto file = sys::open_file(path, O_RDWR | O_NOFOLLOW);
  if (!file) return create(path, head_bytes, tail_bytes);
  const auto header = read_header(*file, path);
  if (!header) return create(path, head_bytes, tail_bytes);
  Spool spool;
  spool.file_ = std::move(*file);
  spool.head_bytes_ = header->head_bytes;
  spool.tail_bytes_ = header->tail_bytes;
  spool.end_ = static_cast<std::int64_t>(header->offsets.end);
  return spool;
}

Status Spool::append(std::string_view data) {
  const auto size = static_cast<std::int64_t>(data.size());
  FFRTMP_TRY(write_offsets(end_ + size, end_));
  FFRTMP_TRY(write_region(data));
  FFRTMP_TRY(write_offsets(end_ + size, end_ + size));
  end_ += size;
  return {};
}

Status Spool::write_region(std::string_view data) {
  std::int64_t at = end_;
  if (at < head_bytes_) {
    const std::string_view part = data.substr(0, static_cast<std::size_t>(head_bytes_ - at));
    FFRTMP_TRY(sys::write_all_at(file_.get(), part, kHeaderBytes + at));
    data.remove_prefix(part.size());
    at += static_cast<std::int64_t>(part.size());
  }
  while (!data.empty()) {
    const std::int64_t place = (at - head_bytes_) % tail_bytes_;
    const std::string_view part = data.substr(0, static_cast<std::size_t>(tail_bytes_ - place));
    FFRTMP_TRY(sys::write_all_at(file_.get(), part, kHeaderBytes + head_bytes_ + place));
    data.remove_prefix(part.size());
    at += static_cast<std::int64_t>(part.size());
  }
  return {};
}

Status Spool::write_offsets(std::int64_t reserved, std::int64_t end) {
  Offsets offsets{static_cast<std::uint64_t>(reserved), static_cast<std::uint64_t>(end), 0};
  offsets.check = offsets.reserved ^ offsets.end ^ kMagic;
  return sys::write_all_at(file_.get(), bytes_of(offsets), kOffsetsAt);
}

SpoolState Spool::state() const { return state_of(head_bytes_, tail_bytes_, end_); }

Result<SpoolState> read_spool_state(const std::string& path) {
  FFRTMP_ASSIGN(const sys::Fd file, sys::open_file(path, O_RDONLY));
  FFRTMP_ASSIGN(const Header header, read_header(file, path));
  return state_of(header.head_bytes, header.tail_bytes, static_cast<std::int64_t>(header.offsets.end));
}

Result<LogChunk> read_log(const std::string& dir, std::int64_t offset, std::int64_t limit) {
  const std::string path = dir + "/log";
  FFRTMP_ASSIGN(const sys::Fd file, sys::open_file(path, O_RDONLY));
  offset = std::max<std::int64_t>(offset, 0);
  for (;;) {
    FFRTMP_ASSIGN(const Header header, read_header(file, path));
    const auto end = static_cast<std::int64_t>(header.offsets.end);
    // What the writer has reserved may be overwritten already.
    const SpoolState kept =
        state_of(header.head_bytes, header.tail_bytes, static_cast<std::int64_t>(header.offsets.reserved));
    if (offset >= end) return LogChunk{end, {}, end, 0};
    if (offset >= kept.dropped_from && offset < kept.dropped_to) {
      const std::int64_t dropped = kept.dropped_to - offset;
      return LogChunk{offset, cat("[ffrtmp: ", dropped, " bytes dropped]\n"), kept.dropped_to, dropped};
    }
    const bool stops_at_gap = offset < kept.dropped_from && kept.dropped_to > kept.dropped_from;
    const std::int64_t stop =
        std::min(stops_at_gap ? kept.dropped_from : end, offset + std::max<std::int64_t>(limit, 0));
    FFRTMP_ASSIGN(std::string data, read_kept(file, header, offset, stop - offset));
    FFRTMP_ASSIGN(const Header after, read_header(file, path));
    const SpoolState still =
        state_of(header.head_bytes, header.tail_bytes, static_cast<std::int64_t>(after.offsets.reserved));
    const bool overtaken =
        stop > still.dropped_from && offset < still.dropped_to && still.dropped_to > still.dropped_from;
    if (!overtaken) return LogChunk{offset, std::move(data), stop, 0};
  }
}

}  // namespace ffrtmp::supervisor
