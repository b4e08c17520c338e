#pragma once
// Logs of attempts, a file each, bounded: the first bytes and the last ones are kept, offsets are those of the stream.
//
//   <dir>/<attempt uuid>.log, 0600
//   0      Header: magic, end offset, dropped range [from, to), head H, tail T
//   64     head: stream bytes [0, head_bytes)
//   64+H   tail: ring of T bytes; the byte at offset o stands at 64 + H + (o - H) % T
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"

namespace ffrtmp::master {

struct LogLimits {
  std::int64_t head_bytes = 1 << 20;
  std::int64_t tail_bytes = 3 << 20;
};

struct LogSlice {
  std::int64_t offset = 0;  // of the first byte given
  std::int64_t next_offset = 0;
  std::string data;         // a dropped range reads as one marker line in its place
  std::int64_t dropped_bytes = 0;
  std::int64_t end = 0;     // of the stream so far
};

// Any thread.
class LogStore {
 public:
  // The limits are those of logs that begin from now on.
  LogStore(std::string dir, LogLimits limits)
      : dir_(std::move(dir)), limits_{limits.head_bytes, std::max<std::int64_t>(limits.tail_bytes, 1)} {}

  // Adds a chunk that starts at `offset`. What is there already is ignored. A hole is kLogGap, unless `after_drop`: the
  // sender lost the bytes between, and they become a dropped range. Gives the next offset wanted.
  Result<std::int64_t> append(const Uuid& attempt, std::int64_t offset, std::string_view data, bool after_drop);

  // At most `limit` bytes from `offset` (negative: from the end). An attempt without a log reads as empty.
  Result<LogSlice> read(const Uuid& attempt, std::int64_t offset, std::int64_t limit) const;

  // Removes logs not written to for `age`.
  Status remove_older_than(std::chrono::hours age);

 private:
  [[nodiscard]] std::string path_of(const Uuid& attempt) const;

  std::string dir_;
  LogLimits limits_;
  mutable std::mutex mutex_;
};

}  // namespace ffrtmp::master
