#pragma once
// The log of an attempt on disk, bounded, readable by others while it is written. Bytes, not interpreted.
//
//   0            Header, 4096 bytes: magic, head_bytes H, tail_bytes T, then the two offsets
//                  reserved   stream offset behind the bytes being written
//                  end        stream offset behind the last byte written; the next write first moves `reserved`
//                and their check word (reserved ^ end ^ magic): a reader that meets a half-written pair reads again
//   4096         head: stream bytes [0, H)
//   4096 + H     tail: ring of T bytes; the byte at stream offset o >= H stands at 4096 + H + (o - H) % T
//
// Kept are [0, H) and [max(H, end - T), end). A reader that copied ring bytes reads `reserved` once more: what lies
// before reserved - T may have been overwritten under its hands and counts as dropped.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sys/fd.h"

namespace ffrtmp::supervisor {

struct SpoolState {
  std::int64_t end = 0;
  std::int64_t dropped_from = 0;  // [from, to) is not kept; equal: nothing was dropped
  std::int64_t dropped_to = 0;
};

class Spool {
 public:
  Spool() = default;
  // Goes on behind what an earlier engine of the attempt wrote; creates one where there is none. The sizes are
  // those of the first.
  [[nodiscard]] static Result<Spool> open(const std::string& path, std::int64_t head_bytes, std::int64_t tail_bytes);

  // On failure (disk full) the bytes are lost and no offset moves.
  [[nodiscard]] Status append(std::string_view data);
  [[nodiscard]] SpoolState state() const;

 private:
  [[nodiscard]] static Result<Spool> create(const std::string& path, std::int64_t head_bytes, std::int64_t tail_bytes);
  [[nodiscard]] Status write_region(std::string_view data);
  [[nodiscard]] Status write_offsets(std::int64_t reserved, std::int64_t end);

  sys::Fd file_;
  std::int64_t head_bytes_ = 0;
  std::int64_t tail_bytes_ = 0;
  std::int64_t end_ = 0;
};

// Of a spool somebody may be writing. kGone when there is none, kCorrupt when it is no spool.
[[nodiscard]] Result<SpoolState> read_spool_state(const std::string& path);

}  // namespace ffrtmp::supervisor
