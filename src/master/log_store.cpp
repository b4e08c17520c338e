#include "master/log_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/text.h"
#include "sys/fd.h"

namespace ffrtmp::master {
namespace {

constexpr std::int64_t kHeaderBytes = 64;
constexpr std::uint64_t kMagic = 0x32474f4c50544d46;  // "FMTPLOG2"

struct Header {
  std::uint64_t magic = 0;
  std::int64_t end = 0;
  std::int64_t lost_from = 0;  // bytes the sender lost: [lost_from, lost_to)
  std::int64_t lost_to = 0;
  std::int64_t head_bytes = 0;  // the limits it was begun with: a master that starts with others reads it all the same
  std::int64_t tail_bytes = 0;
};
static_assert(sizeof(Header) <= kHeaderBytes);

Status write_at(int fd, const char* data, std::int64_t size, std::int64_t at) {
  while (size > 0) {
    const ssize_t put = pwrite(fd, data, static_cast<std::size_t>(size), at);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return last_sys_error("write of a job's log");
    data += put;
    at += put;
    size -= put;
  }
  return {};
}

Status read_at(int fd, char* data, std::int64_t size, std::int64_t at) {
  while (size > 0) {
    const ssize_t got = pread(fd, data, static_cast<std::size_t>(size), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return last_sys_error("read of a job's log");
    if (got == 0) return make_error(Errc::kCorrupt, "a job's log is shorter than its header says");
    data += got;
    at += got;
    size -= got;
  }
  return {};
}

// A file that has no header yet is a log that begins: its header is written behind its first bytes.
Result<Header> read_header(int fd, const LogLimits& limits) {
  const Header fresh{kMagic, 0, 0, 0, limits.head_bytes, limits.tail_bytes};
  struct stat info {};
  if (fstat(fd, &info) != 0) return last_sys_error("stat of a job's log");
  if (info.st_size == 0) return fresh;
  Header header;
  FFRTMP_TRY(read_at(fd, reinterpret_cast<char*>(&header), sizeof header, 0));
  if (header.magic == 0 && header.end == 0) return fresh;
  if (header.magic != kMagic || header.head_bytes < 0 || header.tail_bytes <= 0)
    return make_error(Errc::kCorrupt, "a job's log does not start as one");
  return header;
}

// Calls piece(file offset, size, distance from `from`) for each contiguous part of stream range [from, to).
template <class Piece>
Status each_piece(const Header& header, std::int64_t from, std::int64_t to, Piece piece) {
  for (std::int64_t at = from; at < to;) {
    std::int64_t place = kHeaderBytes + at;
    std::int64_t room = header.head_bytes - at;
    if (at >= header.head_bytes) {
      const std::int64_t in_ring = (at - header.head_bytes) % header.tail_bytes;
      place = kHeaderBytes + header.head_bytes + in_ring;
      room = header.tail_bytes - in_ring;
    }
    const std::int64_t size = std::min(room, to - at);
    FFRTMP_TRY(piece(place, size, at - from));
    at += size;
  }
  return {};
}

// The range that cannot be read back: overwritten in the ring, or lost by the sender.
std::pair<std::int64_t, std::int64_t> dropped_range(const Header& header) {
  std::int64_t from = header.lost_from;
  std::int64_t to = header.lost_to;
  if (const std::int64_t ring_start = header.end - header.tail_bytes; ring_start > header.head_bytes) {
    from = to > from ? std::min(from, header.head_bytes) : header.head_bytes;
    to = std::max(to, ring_start);
  }
  return {from, to};
}

}  // namespace

std::string LogStore::path_of(const Uuid& attempt) const { return cat(dir_, "/", attempt.str(), ".log"); }

Result<std::int64_t> LogStore::append(const Uuid& attempt, std::int64_t offset, std::string_view data,
                                      bool after_drop) {
  const std::lock_guard lock(mutex_);
  const sys::Fd file(open(path_of(attempt).c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return last_sys_error("open of a job's log");
  FFRTMP_ASSIGN(Header header, read_header(file.get(), limits_));
  if (offset > header.end) {
    if (!after_drop) return Error{Errc::kLogGap, 0, cat("the log ends at ", header.end, ", not at ", offset), {}};
    if (header.lost_to == header.lost_from) header.lost_from = header.end;
    header.lost_to = offset;
    header.end = offset;
  }
  const std::int64_t known = std::min(header.end - offset, static_cast<std::int64_t>(data.size()));
  data.remove_prefix(static_cast<std::size_t>(known));
  const std::int64_t from = header.end;
  FFRTMP_TRY(each_piece(header, from, from + static_cast<std::int64_t>(data.size()),
                        [&](std::int64_t place, std::int64_t size, std::int64_t skip) {
                          return write_at(file.get(), data.data() + skip, size, place);
                        }));
  header.end += static_cast<std::int64_t>(data.size());
  FFRTMP_TRY(write_at(file.get(), reinterpret_cast<const char*>(&header), sizeof header, 0));
  return header.end;
}

Result<LogSlice> LogStore::read(const Uuid& attempt, std::int64_t offset, std::int64_t limit) const {
  const std::lock_guard lock(mutex_);
  LogSlice slice;
  const sys::Fd file(open(path_of(attempt).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) {
    if (errno == ENOENT) return slice;
    return last_sys_error("open of a job's log");
  }
  FFRTMP_ASSIGN(const Header header, read_header(file.get(), limits_));
  const auto [dropped_from, dropped_to] = dropped_range(header);
  slice.end = header.end;
  slice.dropped_bytes = dropped_to - dropped_from;
  offset = offset < 0 ? std::max<std::int64_t>(0, header.end + offset) : std::min(offset, header.end);
  slice.offset = offset;
  if (offset >= dropped_from && offset < dropped_to) {
    slice.data = cat("[ffrtmp: ", slice.dropped_bytes, " bytes dropped]\n");
    offset = dropped_to;
  }
  const std::int64_t stop = offset < dropped_from ? dropped_from : header.end;
  const std::int64_t size = std::min(limit, stop - offset);
  const std::size_t before = slice.data.size();
  slice.data.resize(before + static_cast<std::size_t>(size));
  FFRTMP_TRY(each_piece(header, offset, offset + size, [&](std::int64_t place, std::int64_t count, std::int64_t skip) {
    return read_at(file.get(), slice.data.data() + before + skip, count, place);
  }));
  slice.next_offset = offset + size;
  return slice;
}

Status LogStore::remove_older_than(std::chrono::hours age) {
  namespace fs = std::filesystem;
  std::error_code error;
  const auto limit = fs::file_time_type::clock::now() - age;
  for (fs::directory_iterator at(dir_, error); !error && at != fs::directory_iterator(); at.increment(error)) {
    if (at->path().extension() != ".log") continue;
    std::error_code of_file;  // one that cannot be removed keeps none of the others
    const auto written = at->last_write_time(of_file);
    if (!of_file && written < limit) fs::remove(at->path(), of_file);
  }
  if (error) return make_error(Errc::kIo, cat("logs in ", dir_, ": ", error.message()));
  return {};
}

}  // namespace ffrtmp::master
